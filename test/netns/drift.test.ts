import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeFrontendKeys, encodeFrontends, writeBackend } from '../../src/abi/codec.ts';
import { SLOT } from '../../src/abi/layout.gen.ts';
import { storeWord } from '../../src/abi/memory.ts';
import { type Clock, systemClock } from '../../src/agent/clock.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { BACKEND } from '../../src/core/plan/alias.ts';
import { isClosing } from '../../src/core/plan/have.ts';
import { HEADER_SLOTS } from '../../src/core/plan/range.ts';
import type { FrontendWrite } from '../../src/core/plan/transaction.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, openPinnedTables, type PinnedTables, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';

/** What others did to the tables is found and undone by the comparison that the agent makes from time to time. */

const WEB = '10.96.0.1';
const CART = '10.96.0.2';
const RESYNC_MS = 4321;

let node: EmbeddedNode;
let client: SocketShell;
let agent: RunningAgent;
let pinned: PinnedTables;
let objects: readonly ClusterObject[];
/** The comparison that the agent makes every RESYNC_MS, made when the test says so. */
let resync: () => void;

beforeEach(async () => {
  node = await createNode({ name: 'drift' });
  client = await openShell(await node.addPod('client'));
  const [web, cart] = await Promise.all(['web', 'cart'].map((name) => node.addPod(name)));
  for (const pod of [web!, cart!]) await (await openShell(pod)).serve('tcp', '*', 8080, pod.name);
  objects = [
    service(),
    slice([endpoint(web!.address4)]),
    service({ name: 'cart', clusterIPs: [CART] }),
    slice([endpoint(cart!.address4)], { name: 'cart', service: 'cart' }),
  ];
  const after: Clock['after'] = (delayMs, call) => {
    if (delayMs !== RESYNC_MS) return systemClock.after(delayMs, call);
    resync = call;
    return () => {};
  };
  agent = await startAgent(node, { objects, resyncMs: RESYNC_MS, clock: { ...systemClock, after } });
  pinned = openPinnedTables(node.bpfRoot);
});

afterEach(async () => {
  pinned?.[Symbol.dispose]();
  await agent?.stop();
  await node?.close();
});

const rows: readonly { what: string; damage: () => void; meanwhile: string }[] = [
  {
    what: 'an entry that somebody deleted',
    damage: () => pinned.frontends.delete(encodeFrontendKeys([frontend(WEB)]), 1),
    meanwhile: 'ECONNREFUSED',
  },
  {
    what: 'an entry that leads out of the tables',
    damage: () => put({ ...frontend(WEB), slotBase: 4_000_000_000 }),
    meanwhile: 'ECONNREFUSED',
  },
  {
    what: 'an entry that leads to the endpoints of another Service',
    damage: () => put({ ...frontend(CART), address: WEB }),
    meanwhile: 'cart',
  },
  {
    what: 'a slot that leads to the endpoint of another Service',
    damage: () => {
      const [own, other] = [frontend(WEB), frontend(CART)];
      for (const field of [SLOT.backend, SLOT.alias])
        storeWord(pinned.memory.slots, own.slotBase + HEADER_SLOTS, field, firstBackend(other));
    },
    meanwhile: 'cart',
  },
  {
    what: 'an endpoint with another address',
    damage: () => {
      const backend = pinned.tables.backend(firstBackend(frontend(WEB)));
      const other = pinned.tables.backend(firstBackend(frontend(CART)));
      writeBackend(pinned.memory.backends, { ...backend, address: other.address });
    },
    meanwhile: 'cart',
  },
  {
    what: 'an entry that nobody asked for',
    damage: () => put({ ...frontend(CART), address: '10.96.0.9' }),
    meanwhile: 'web',
  },
];

describe.each(rows)('$what', ({ damage, meanwhile }) => {
  test('is repaired at the next comparison, and other Services do not notice', async () => {
    const whole = wantedLines(objects);
    expect(heldLines(node.bpfRoot)).toEqual(whole);
    const load = client.startHammer('tcp', CART, 80, { reset: true, pauseMicros: 500, count: 400 });
    damage();
    expect(heldLines(node.bpfRoot)).not.toEqual(whole);
    expect(await client.whoAnswers('tcp', WEB, 80)).toBe(meanwhile);

    resync();
    await retryUntil(() => {
      expect(heldLines(node.bpfRoot)).toEqual(whole);
      return true;
    });
    expect(await client.whoAnswers('tcp', WEB, 80)).toBe('web');
    const { by, errors } = await load.result;
    expect({ names: Object.keys(by), errors }).toEqual({ names: ['cart'], errors: {} });
  });
});

const frontend = (address: string): FrontendWrite => {
  const found = [...pinned.tables.frontends()].find((each) => each.address === address && !isClosing(each));
  if (found === undefined) throw new Error(`${address} is not there`);
  return found;
};

/** Of its first column. */
const firstBackend = ({ slotBase }: FrontendWrite): number =>
  pinned.tables.slots(slotBase + HEADER_SLOTS, 1)[BACKEND] as number;

const put = (write: FrontendWrite): void => {
  const { keys, values } = encodeFrontends([write]);
  pinned.frontends.update(keys, values, 1);
};
