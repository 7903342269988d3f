import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Agent, createAgent } from '../../../src/agent/agent.ts';
import { systemClock } from '../../../src/agent/clock.ts';
import type { ClusterObject, Complaint } from '../../../src/core/model/objects.ts';
import { FakeDataplane } from '../../../src/dataplane/fake.ts';
import { fileSource } from '../../../src/sources/file.ts';
import { agentObserver } from '../../helpers/agent-observer.ts';
import { manifestOf, ObjectDirectory } from '../../helpers/object-directory.ts';
import { endpoint, OUR_NODE, policy, service, slice } from '../../helpers/objects.ts';

/** An agent that starts where another one was, with files of which a part cannot be read. */

let objects: ObjectDirectory;
let dataplane: FakeDataplane;
const agents: Agent[] = [];
const told: Complaint[] = [];

beforeEach(() => {
  told.length = 0;
  objects = new ObjectDirectory();
  dataplane = new FakeDataplane({ frontends: 8, slots: 64, backends: 64, services: 8 });
  objects.write('web', ...WEB);
  objects.write('cart', ...CART);
});

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  objects[Symbol.dispose]();
});

const WEB = [service(), slice([endpoint('10.244.1.1')])] as const;
const CART_SERVICE = service({ name: 'cart', clusterIPs: ['10.96.0.2'] });
const CART = [CART_SERVICE, cartSlice('10.244.1.2')] as const;

function cartSlice(address: string): ClusterObject {
  return slice([endpoint(address)], { name: 'cart-1', service: 'cart' });
}

/** Resolves when it is ready; says whether all of the source was known then. */
const start = async (): Promise<{ readonly agent: Agent; readonly whole: boolean }> => {
  const ready = Promise.withResolvers<boolean>();
  const agent = createAgent({
    version: 'test',
    node: OUR_NODE,
    source: fileSource({ path: objects.path, debounceMs: 5, rescanMs: 60_000 }),
    dataplane,
    clock: systemClock,
    resyncMs: 60_000,
    observer: agentObserver(ready.reject, {
      onReady: (_, whole) => ready.resolve(whole),
      onComplaints: (complaints) => told.push(...complaints),
      onSourceTrouble: (error) => error && ready.reject(error),
    }),
  });
  agents.push(agent);
  await agent.start();
  return { agent, whole: await ready.promise };
};

const startAndStop = async (): Promise<void> => {
  const { agent } = await start();
  await agent.stop();
  agents.pop();
};

/** What the tables hold, by address. */
/** Where the Service ports lead; what closes their addresses comes and goes with them. */
const lines = (): readonly string[] => {
  const all = dataplane.dump().trim().split('\n').sort();
  return all.filter((line) => !line.startsWith('all else'));
};
const leadsTo = (address: string) => expect.stringContaining(`${address}:8080`);
const untilLines = (...wanted: readonly unknown[]) => vi.waitFor(() => expect(lines()).toEqual(wanted), 5000);

const [webService, webSlice] = WEB.map((object) => JSON.stringify(manifestOf(object)));
const wrongService = JSON.stringify({ ...manifestOf(WEB[0]), spec: { clusterIP: '10.96.0.1', ports: 7 } });
const wrongSlice = JSON.stringify({ ...manifestOf(WEB[1]), endpoints: 7 });

describe('after a restart', () => {
  test.each([
    { what: 'a file that cannot be parsed', text: 'kind: Service\nmetadata: [\n' },
    { what: 'an empty file', text: '' },
    { what: 'one wrong field in a Service', text: `${wrongService}\n---\n${webSlice}` },
    { what: 'one wrong field in an EndpointSlice', text: `${webService}\n---\n${wrongSlice}` },
  ])('$what leaves what was in force before, while the others change', async ({ text }) => {
    await startAndStop();
    objects.writeText('web', text);
    objects.write('cart', CART_SERVICE, cartSlice('10.244.1.3'));
    const { agent, whole } = await start();
    expect({ whole, status: agent.status().source.whole }).toEqual({ whole: false, status: false });
    expect(lines()).toEqual([leadsTo('10.244.1.1'), leadsTo('10.244.1.3')]);

    objects.write('cart', CART_SERVICE, cartSlice('10.244.1.4'));
    await untilLines(leadsTo('10.244.1.1'), leadsTo('10.244.1.4'));

    objects.write('web', service(), slice([endpoint('10.244.1.5')]));
    await untilLines(leadsTo('10.244.1.5'), leadsTo('10.244.1.4'));
    expect(agent.status().source.whole).toBe(true);
  });

  test('explain says that an address is kept, and which file could not be read', async () => {
    await startAndStop();
    objects.writeText('web', 'kind: Service\nmetadata: [\n');
    const { agent } = await start();
    expect(agent.explain({ address: '10.96.0.1', port: 80, protocol: 'TCP' })).toMatchObject({
      why: { reason: 'no such address' },
      kernel: { outcome: 'sent', shares: { '10.244.1.1:8080': 1 }, kept: true },
      errors: [{ severity: 'error', message: expect.stringContaining('not YAML') }],
    });
  });

  test('what was deleted meanwhile goes once everything could be read', async () => {
    await startAndStop();
    objects.remove('cart');
    objects.writeText('web', '');
    const { agent } = await start();
    expect(lines()).toEqual([leadsTo('10.244.1.1'), leadsTo('10.244.1.2')]);
    objects.remove('web');
    await untilLines('');
    expect(agent.status().source.whole).toBe(true);
  });

  test('a Service whose endpoints have gone meanwhile refuses once everything could be read', async () => {
    await startAndStop();
    objects.write('cart', CART_SERVICE);
    objects.writeText('web', '');
    await start();
    expect(lines()).toEqual([leadsTo('10.244.1.1'), leadsTo('10.244.1.2')]);
    objects.write('web', ...WEB);
    await untilLines(leadsTo('10.244.1.1'), expect.not.stringContaining('10.244'));
  });

  test('a policy whose target is not there is told once everything could be read, until the Service is there', async () => {
    const [weights, later] = [
      policy([{ weight: 2 }], { services: ['later'] }),
      service({ name: 'later', clusterIPs: ['10.96.0.3'] }),
    ];
    objects.writeText('web', '');
    objects.write('weights', weights);
    const { agent } = await start();
    const about = () => agent.complaints().filter(({ object }) => object === 'TrafficPolicy shop/weights');
    expect(about()).toEqual([]);

    objects.write('web', ...WEB);
    const missing = { severity: 'warning', message: 'there is no Service shop/later: nothing is weighed' };
    await vi.waitFor(() => expect(about()).toMatchObject([missing]), 5000);

    objects.write('later', later);
    await vi.waitFor(() => expect(about()).toEqual([]), 5000);

    objects.remove('later');
    await vi.waitFor(() => expect(about()).toMatchObject([missing]), 5000);

    objects.remove('weights');
    await vi.waitFor(() => expect(about()).toEqual([]), 5000);
  });

  test('a Service that was not there before is in force at once', async () => {
    await startAndStop();
    objects.writeText('web', '');
    objects.write('next', service({ name: 'next', clusterIPs: ['10.96.0.3'] }));
    await start();
    expect(lines()).toEqual([leadsTo('10.244.1.1'), leadsTo('10.244.1.2'), expect.stringContaining('10.96.0.3:80')]);
  });
});

test('what follows from several objects is told with the file and the line of the one that it is about', async () => {
  const wbe = policy([{ weight: 2 }], { services: ['wbe'] });
  objects.writeText('web', `${webService}\n---\n${webSlice}\n---\n# for nobody\n${JSON.stringify(manifestOf(wbe))}\n`);
  const { agent } = await start();
  const warning = {
    severity: 'warning',
    object: 'TrafficPolicy shop/weights',
    path: 'spec.targetRefs[0].name',
    origin: { file: expect.stringMatching(/\/web\.yaml$/), line: 6 },
  };
  expect(agent.complaints()).toEqual([expect.objectContaining(warning)]);
  expect(told).toEqual([expect.objectContaining(warning)]);

  objects.writeText('web', `${webService}\n---\n${webSlice}\n---\n${JSON.stringify(manifestOf(wbe))}\n`);
  const moved = { ...warning, origin: { ...warning.origin, line: 5 } };
  await vi.waitFor(() => expect(agent.complaints()).toEqual([expect.objectContaining(moved)]), 5000);
  expect(told).toHaveLength(1);
});
