import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { BATTERY_MODES, type BatteryLines, compare, prepareForBattery, runBattery } from '../helpers/battery.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';

/** The battery itself: plain TCP between two pods of a node passes every check of it. */

const SEED = Number(process.env.SEED);
/** Between them they have every check. */
const CHECKS = { blocking: 97, changing: 97, 'event-loop': 92 };

let node: EmbeddedNode;
let client: Pod;
let server: Pod;

beforeAll(async () => {
  node = await createNode({ name: 'battery' });
  [client, server] = await Promise.all([node.addPod('client'), node.addPod('server')]);
  await Promise.all([client, server].map(prepareForBattery));
});

afterAll(() => node?.close());

const run = (options: Partial<Parameters<typeof runBattery>[0]> = {}): Promise<BatteryLines> =>
  runBattery({ from: client, to: server, mode: 'blocking', seed: SEED, rounds: 40, jobs: 4, ...options });

const failed = (lines: BatteryLines): readonly string[] =>
  [...lines.values()].filter((line) => line.startsWith('not ok '));

/** Alone, and not while five others run: a busy machine makes anybody late. */
const failedAgain = async (lines: BatteryLines, options: Partial<Parameters<typeof runBattery>[0]>) => {
  const checks = [...lines.keys()].filter((check) => lines.get(check)?.startsWith('not ok '));
  return checks.length === 0 ? [] : failed(await run({ ...options, checks, jobs: 1 }));
};

describe.each([false, true])('with an agent on the node: %s', (hasAgent) => {
  let agent: RunningAgent | undefined;

  beforeAll(async () => {
    if (hasAgent) agent = await startAgent(node);
  });

  afterAll(() => agent?.stop());

  test.each(BATTERY_MODES)('plain TCP passes every check of the mode %s', async (mode) => {
    const lines = await run({ mode });
    expect(await failedAgain(lines, { mode })).toEqual([]);
    expect(lines.size).toBe(CHECKS[mode]);
  });
});

test('plain TCP passes every check over IPv6', async () => {
  const options = { address: server.address6 };
  expect(await failedAgain(await run(options), options)).toEqual([]);
});

const OBSERVES = ['connect_unspec', 'shutdown_read', 'tcp_fastopen', 'tcp_info_bytes'];

test('what is observed is the same in each run, but for another number of bytes', async () => {
  const plain = await run({ checks: OBSERVES });
  expect([...plain.values()].map((line) => line.split(' ')[0])).toEqual(OBSERVES.map(() => 'saw'));
  expect(plain.get('tcp_fastopen')).toBe('saw tcp_fastopen: data with the SYN');
  expect(compare(plain, await run({ checks: OBSERVES }))).toEqual([]);
  const warm = compare(plain, await run({ checks: OBSERVES, mode: 'changing' }));
  expect(warm.map(({ check }) => check)).toEqual(['tcp_info_bytes']);
});

test('checks that fail, and checks that are missing, differ', () => {
  const plain = new Map([
    ['a', 'ok a'],
    ['b', 'not ok b: late'],
    ['c', 'ok c'],
  ]);
  const other = new Map([...plain, ['d', 'ok d'] as const]);
  other.delete('c');
  expect(compare(plain, other).map(({ check }) => check)).toEqual(['b', 'c', 'd']);
});
