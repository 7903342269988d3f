import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { mapIdsInForce } from '../../src/dataplane/kernel/attach.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { kernelError } from '../../src/native/kernel-error.ts';
import { BpfMap } from '../../src/native/map.ts';
import { BpfObject } from '../../src/native/object.ts';
import { Died, type Mortality } from '../helpers/mortal.ts';
import { endpoint, service, slice } from '../helpers/objects.ts';
import { heldLines, wantedLines } from '../helpers/pinned-tables.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { type Hammer, openShell, type SocketShell } from '../helpers/socket-shell.ts';

const mortality = await vi.hoisted(
  async (): Promise<Mortality> => new (await import('../helpers/mortal.ts')).Mortality(),
);

/** The steps of a growth at which it can be cut are calls of these, so nothing of the growth itself is replaced. */
vi.mock('../../src/native/program.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/native/program.ts')>();
  const updateLink = (link: number, program: number): void => {
    mortality.before('moving a link');
    original.updateLink(link, program);
  };
  return { ...original, updateLink };
});
vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs')>();
  const unlinkSync = (path: string): void => {
    mortality.before('removing a pin of the old set');
    original.unlinkSync(path);
  };
  return { ...original, unlinkSync, default: { ...original, unlinkSync } };
});

const VIP = '10.96.0.1';
const KEPT = 6;
const TINY = { frontends: 2, slots: 4, backends: 4, services: 2 };

let node: EmbeddedNode;
let client: SocketShell;
let agent: RunningAgent;
let web: readonly ClusterObject[];

beforeEach(async () => {
  node = await createNode({ name: 'growth' });
  const pods = await Promise.all(['v1', 'v2'].map((name) => node.addPod(name)));
  for (const pod of pods) await (await openShell(pod)).serve('tcp', '*', 8080, pod.name);
  client = await openShell(await node.addPod('client'));
  web = [service(), slice(pods.map((pod) => endpoint(pod.address4)))];
  agent = await startAgent(node, { objects: web, capacity: TINY });
});

afterEach(async () => {
  mortality.disarm();
  vi.restoreAllMocks();
  await agent?.stop();
  await node?.close();
});

test('tables grow from tiny to thousands of endpoints under load, and nothing is lost or miscounted', async () => {
  expect(agent.agent.status().capacity).toEqual(TINY);
  const open = await openConnections();
  const load = hammer();
  for (const count of [3, 30, 300, 1000]) await agent.put(...neighbours(count));
  const objects = [...web, ...neighbours(1000)];
  expect(heldLines(node.bpfRoot)).toEqual(wantedLines(objects));
  expect(listSets(node.bpfRoot)).toHaveLength(1);
  const { capacity, used } = agent.agent.status();
  expect(used).toMatchObject({ frontends: 2002, backends: 5002, services: 1001 });
  for (const table of ['frontends', 'slots', 'backends', 'services'] as const)
    expect(capacity[table]).toBeGreaterThanOrEqual(used[table]);
  await account(load, open);
});

describe.each([
  { step: 'pinning a table of the new set', after: 0, sets: 1 },
  { step: 'pinning a table of the new set', after: 5, sets: 1 },
  { step: 'moving a link', after: 0, sets: 2 },
  { step: 'moving a link', after: 1, sets: 2 },
  { step: 'moving a link', after: 5, sets: 2 },
  { step: 'moving a link', after: 9, sets: 2 },
  { step: 'moving a counter', after: 0, sets: 2 },
  { step: 'moving a counter', after: 5, sets: 2 },
  { step: 'removing a pin of the old set', after: 0, sets: 1 },
  { step: 'removing a pin of the old set', after: 7, sets: 1 },
])('a growth that is cut before $step, number $after from 0,', ({ step, after, sets }) => {
  test('fails no connection, and the next start completes or undoes it', async () => {
    spyOnSteps();
    const open = await openConnections();
    const load = hammer();
    mortality.arm(step, after);
    const { services, ...rest } = agent.dataplane.tables.capacity;
    await expect(agent.dataplane.grow({ services: services * 4, ...rest })).rejects.toThrow(Died);
    mortality.disarm();
    expect(listSets(node.bpfRoot)).toHaveLength(sets);
    await agent.stop();

    const objects = [...web, ...neighbours(3)];
    agent = await startAgent(node, { objects, capacity: TINY });
    expect(heldLines(node.bpfRoot)).toEqual(wantedLines(objects));
    expect(listSets(node.bpfRoot)).toHaveLength(1);
    expect(existsSync(`${node.bpfRoot}/links/shunt_connect4`)).toBe(true);
    await account(load, open);
  });
});

describe('an agent that goes on', () => {
  test.each([0, 1, 5, 9])(
    'after a growth that failed at link %i shows what it showed, and has every program read the tables it writes',
    async (after) => {
      const shown = () => [...agent.agent.services('shop/web'), ...agent.agent.backends('shop/web')];
      const before = shown();
      mortality.arm('moving a link', after);
      await expect(agent.put(...neighbours(3))).rejects.toThrow(Died);
      expect(shown()).toEqual(before);
      mortality.disarm();
      await retryUntil(() => agent.agent.status().unhealthy === '');
      const [only, ...others] = listSets(node.bpfRoot);
      expect(others).toEqual([]);
      using services = BpfMap.openPinned(`${only?.path}/services`);
      expect(mapIdsInForce(node.bpfRoot)).toContain(services.info.id);
      const [first] = node.pods.values();
      await agent.put(slice([endpoint(first!.address4)]));
      expect(Object.keys((await client.hammer('tcp', VIP, 80, { count: 50 })).by)).toEqual([first!.name]);
    },
  );

  test('after a growth whose programs the verifier refused on its thread tries once more, where it has words', async () => {
    const aside = vi
      .spyOn(BpfObject.prototype, 'loadAside')
      .mockRejectedValue(kernelError('objectLoad', constants.errno.EAGAIN, ''));
    await agent.put(...neighbours(3));
    expect(aside).toHaveBeenCalled();
    expect(heldLines(node.bpfRoot)).toEqual(wantedLines([...web, ...neighbours(3)]));
    vi.spyOn(BpfObject.prototype, 'load').mockImplementation(() => {
      throw kernelError('objectLoad', constants.errno.EACCES, 'words of the verifier');
    });
    await expect(agent.put(...neighbours(40))).rejects.toThrow(/SHUNT_E_LOAD|words of the verifier/);
  });

  test('after a growth that could not pin a table grows at the next attempt', async () => {
    const { pin } = BpfMap.prototype;
    const pinned = vi.spyOn(BpfMap.prototype, 'pin').mockImplementation(function (this: BpfMap, path: string) {
      // In the middle of the set: what was pinned before it is in the way of the next attempt, unless it is removed.
      if (pinned.mock.calls.length === 6) throw kernelError('pin', constants.errno.EMFILE, '');
      pin.call(this, path);
    });
    await expect(agent.put(...neighbours(3))).rejects.toThrow('pin: EMFILE');
    await retryUntil(() => agent.agent.status().unhealthy === '');
    expect(pinned.mock.calls.length).toBeGreaterThan(6);
    expect(heldLines(node.bpfRoot)).toEqual(wantedLines([...web, ...neighbours(3)]));
    expect(readdirSync(node.bpfRoot).sort()).toEqual(['links', basename(listSets(node.bpfRoot)[0]!.path)]);
    expect(await client.whoAnswers('tcp', VIP, 80)).toMatch(/^v[12]$/);
  });

  test('gives places that became free during a growth to their next owners without old counts', async () => {
    await client.hammer('tcp', VIP, 80, { count: 100 });
    void agent.put(slice([]));
    await agent.put(slice([]));
    await agent.put(...neighbours(4));
    await agent.put(...neighbours(40));
    const counts = [...agent.agent.backends()].map(({ stats }) => stats.attempts ?? 0);
    expect(counts).toHaveLength(200);
    expect(sum(counts)).toBe(0);
  });
});

const hammer = (): Hammer => client.startHammer('tcp', VIP, 80, { threads: 2, reset: true, pauseMicros: 100 });

const openConnections = async (): Promise<readonly number[]> =>
  Promise.all(
    Array.from({ length: KEPT }, async () => {
      const fd = await client.socket('tcp4');
      expect(await client.connect(fd, VIP, 80)).toEqual({ ok: true });
      return fd;
    }),
  );

/** Every connection was counted once, and those from before still know their Service and count down to zero. */
const account = async (load: Hammer, open: readonly number[]): Promise<void> => {
  await retryUntil(() => webStats().attempts > 200);
  const { by, errors, total } = await load.stop();
  expect(errors).toEqual({});
  expect(Object.keys(by).sort()).toEqual(['v1', 'v2']);
  const attempts = total + KEPT;
  await retryUntil(() => webStats().active === KEPT);
  expect(webStats()).toMatchObject({ attempts, established: attempts, active: KEPT, pending: 0 });
  expect(sum([...agent.agent.backends('shop/web')].map(({ stats }) => stats.attempts ?? 0))).toBe(attempts);
  for (const fd of open) expect(await client.getpeername(fd)).toEqual({ address: VIP, port: 80 });
  for (const fd of open) await client.closeSocket(fd);
  await retryUntil(() => webStats().active === 0);
  expect(webStats()).toMatchObject({ attempts, closed: attempts, active: 0, pending: 0 });
  expect(agent.dataplane.stats.connections().used).toBe(0);
};

const webStats = () => {
  const [stats] = [...agent.agent.services()].flatMap((view) => (view.service === 'web' ? [view.stats] : []));
  if (stats === undefined) throw new Error('the Service is not there');
  return stats;
};

/** Services that nobody asks, with five endpoints each. */
const neighbours = (count: number): readonly ClusterObject[] =>
  Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const name = `neighbour-${index}`;
    const [high, low] = [index >> 7, index & 127];
    const addresses = [1, 2, 3, 4, 5].map((last) => endpoint(`10.${200 + last}.${high}.${low + 1}`));
    return [service({ name, clusterIPs: [`10.96.${1 + high}.${low + 1}`] }), slice(addresses, { name, service: name })];
  });

const spyOnSteps = (): void => {
  const { pin } = BpfMap.prototype;
  vi.spyOn(BpfMap.prototype, 'pin').mockImplementation(function (this: BpfMap, path: string) {
    mortality.before('pinning a table of the new set');
    pin.call(this, path);
  });
  const { exchange } = Atomics;
  vi.spyOn(Atomics, 'exchange').mockImplementation((...given: Parameters<typeof exchange>) => {
    mortality.before('moving a counter');
    return exchange(...given);
  });
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
