import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { endpoint, policy, service, slice } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { type HammerKind, openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { chiSquaredP } from '../helpers/statistics.ts';

const CONNECTIONS = 20_000;
/** What the weights ask for is ruled out by counts that are less likely than this. */
const P_MIN = 0.001;
/** The kernel's random numbers have no seed: a row that is right falls below P_MIN once in 1000 runs, twice never. */
const DRAWS = 2;

const VIP4 = '10.96.0.1';
const VIP6 = 'fd00:10:96::1';
const BACKENDS = ['v1', 'v2', 'v3'] as const;

let node: EmbeddedNode;
let client: SocketShell;
let agent: RunningAgent;
let pods: readonly Pod[];

beforeAll(async () => {
  node = await createNode({ name: 'shares' });
  pods = await Promise.all(BACKENDS.map((name) => node.addPod(name)));
  client = await openShell(await node.addPod('client'));
  for (const pod of pods) {
    const shell = await openShell(pod);
    await shell.serve('tcp', '*', 8080, pod.name);
    await shell.serve('udp', '*', 8080, pod.name);
  }
  agent = await startAgent(node);
});

afterAll(async () => {
  await agent?.stop();
  await node?.close();
});

const rows: readonly { weights: readonly number[]; kind: HammerKind; address: string }[] = [
  { weights: [1, 2, 97], kind: 'tcp', address: VIP4 },
  { weights: [1, 1, 1], kind: 'tcp', address: VIP6 },
  { weights: [30, 70], kind: 'tcp', address: `::ffff:${VIP4}` },
  { weights: [5, 95, 0], kind: 'tcp', address: VIP4 },
  { weights: [1000, 1, 999], kind: 'udp', address: VIP4 },
  { weights: [1, 2, 97], kind: 'udp', address: VIP6 },
  { weights: [5, 95], kind: 'udp-unconnected', address: VIP4 },
];

describe.each(rows)(
  `${CONNECTIONS} new $kind sockets to $address with weights $weights`,
  ({ weights, kind, address }) => {
    const protocol = kind === 'tcp' ? 'TCP' : 'UDP';
    const backends = BACKENDS.slice(0, weights.length);

    test('are answered in exactly these shares, which `explain` tells and the counters confirm', async () => {
      await program(weights, protocol);
      expect(explained(address, protocol)).toEqual(wanted(weights));

      const before = counted(address);
      let draw = await hammer(kind, address, backends);
      const all = [...draw];
      for (let draws = 1; draws < DRAWS && chiSquaredP(draw, weights) <= P_MIN; draws++) {
        draw = await hammer(kind, address, backends);
        for (const [index, count] of draw.entries()) all[index] = (all[index] as number) + count;
      }
      const expected = weights.map((weight) => (CONNECTIONS * weight) / sum(weights));
      const trace = `observed ${draw}, expected ${expected}`;
      expect(chiSquaredP(draw, weights), trace).toBeGreaterThan(P_MIN);

      const after = counted(address);
      expect(backends.map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0))).toEqual(all);
    });
  },
);

test('a share that is not asked for is noticed', () => {
  // One weight of 100 off, as a table with an off-by-one in it would be.
  const off = [2, 2, 96].map((weight) => (CONNECTIONS * weight) / 100);
  expect(chiSquaredP(off, [1, 2, 97])).toBeLessThan(P_MIN);
  const drained = [1, 0, CONNECTIONS - 1];
  expect(chiSquaredP(drained, [0, 5, 95])).toBe(0);
});

/** New endpoints for each row, so that nothing is left of the row before. */
const program = async (weights: readonly number[], protocol: 'TCP' | 'UDP'): Promise<void> => {
  const members = pods.slice(0, weights.length);
  const ports = [{ name: 'http', protocol, port: 8080 }];
  await agent.put(
    service({ clusterIPs: [VIP4, VIP6], ports: [{ name: 'http', protocol, port: 80 }] }),
    slice(
      members.map((pod) => endpoint(pod.address4, { pod: pod.name })),
      { ports },
    ),
    slice(
      members.map((pod) => endpoint(pod.address6, { pod: pod.name })),
      { name: 'web-2', family: 6, ports },
    ),
    policy(members.map((pod, index) => ({ pod: pod.name, weight: weights[index] as number }))),
  );
};

const hammer = async (kind: HammerKind, address: string, backends: readonly string[]): Promise<readonly number[]> => {
  const { by, errors, total } = await client.hammer(kind, address, 80, {
    count: CONNECTIONS,
    threads: 4,
    reset: kind === 'tcp',
  });
  expect({ errors, total }).toEqual({ errors: {}, total: CONNECTIONS });
  expect(backends).toEqual(expect.arrayContaining(Object.keys(by)));
  return backends.map((name) => by[name] ?? 0);
};

/** Weights by pod that `explain` tells, once the kernel's tables are found to agree with them. */
const explained = (address: string, protocol: 'TCP' | 'UDP'): Readonly<Record<string, number>> => {
  const decision = agent.agent.explain({ address: address.replace('::ffff:', ''), port: 80, protocol });
  if (decision.outcome !== 'sent') throw new Error(`${address}: ${decision.outcome}`);
  expect(decision.kernel).toMatchObject({ outcome: 'sent', agrees: true });
  return Object.fromEntries(
    decision.endpoints.flatMap(({ pod, verdict }) =>
      verdict.verdict === 'share' ? [[pod, verdict.weight / verdict.of] as const] : [],
    ),
  );
};

const wanted = (weights: readonly number[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    weights.flatMap((weight, index) => (weight === 0 ? [] : [[BACKENDS[index], weight / sum(weights)] as const])),
  );

/** Connections and datagrams by pod, of the family of `address`. */
const counted = (address: string): ReadonlyMap<string, number> => {
  const mapped = address.replace('::ffff:', '');
  const key = mapped.includes(':') ? 'address6' : 'address4';
  return new Map(
    [...agent.agent.backends()].flatMap(({ address: backend, stats }) => {
      const pod = pods.find((each) => each[key] === backend);
      return pod === undefined ? [] : [[pod.name, (stats.attempts ?? 0) + (stats.datagrams ?? 0)] as const];
    }),
  );
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
