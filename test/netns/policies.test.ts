import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Algorithm, ClusterObject, HashOn } from '../../src/core/model/objects.ts';
import { endpoint, policy, service, slice } from '../helpers/objects.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { SERVER_PORT } from '../helpers/stage.ts';
import { expectShares, openTraffic, sharesOf, type Traffic } from '../helpers/traffic.ts';

/** Algorithms as a TrafficPolicy asks for them, through a whole agent. */

const SERVERS = ['v1', 'v2', 'v3'] as const;
const CLIENTS = ['client', 'other', 'third', 'fourth'] as const;
type Name = (typeof SERVERS)[number] | (typeof CLIENTS)[number];
const WEB = '10.96.0.1';
const WEIGHTS = [3, 2, 1] as const;
/** Where nobody listens. */
const CLOSED_PORT = 1;

let traffic: Traffic<Name>;
let client: SocketShell;

beforeAll(async () => {
  traffic = await openTraffic<Name>('policies', { clients: CLIENTS, servers: SERVERS });
  client = traffic.actors.client.shell;
  traffic.objects.write('web', ...web());
  await traffic.startAgent();
});

afterEach(() => traffic.remove('policy'));

afterAll(() => traffic?.[Symbol.asyncDispose]());

/** A slice for each endpoint: one of them may be at another port. */
const web = (servers: readonly Name[] = SERVERS, ports: Partial<Record<Name, number>> = {}): ClusterObject[] => [
  service({ clusterIPs: [WEB] }),
  ...servers.map((name) =>
    slice([endpoint(traffic.actors[name].pod.address4, { pod: name })], {
      name: `web-${name}`,
      ports: [{ name: 'http', protocol: 'TCP', port: ports[name] ?? SERVER_PORT }],
    }),
  ),
];

const chosenBy = (algorithm: Algorithm, weights: readonly number[] = WEIGHTS, hashOn: HashOn = 'Pod'): ClusterObject =>
  policy(
    SERVERS.map((pod, index) => ({ pod, weight: weights[index] as number })),
    { algorithm, hashOn },
  );

/** So many connections that stay open, one after the other, and who answers each. */
const hold = async (count: number, shell = client): Promise<{ by: Record<string, number>; end(): Promise<void> }> => {
  const fds: number[] = [];
  const by: Record<string, number> = {};
  for (let many = 0; many < count; many++) {
    const fd = await shell.socket('tcp4');
    expect(await shell.connect(fd, WEB, 80)).toEqual({ ok: true });
    const answer = await shell.recv(fd);
    const name = 'text' in answer ? answer.text.trim() : answer.error;
    by[name] = (by[name] ?? 0) + 1;
    fds.push(fd);
  }
  return {
    by,
    end: async () => {
      for (const fd of fds) await shell.closeSocket(fd);
    },
  };
};

test('WeightedRandom: shares are those of the weights, as explain tells them', async () => {
  await traffic.put('policy', chosenBy('WeightedRandom'));
  const told = sharesOf(await traffic.explain(WEB));
  expect(told).toEqual({ v1: 3 / 6, v2: 2 / 6, v3: 1 / 6 });
  await expectShares(client, WEB, told, { count: 20_000 });
});

describe('RoundRobin', () => {
  test('each round has each endpoint exactly as often as it weighs, spread out', async () => {
    await traffic.put('policy', chosenBy('RoundRobin', [5, 3, 1]));
    expect(await traffic.explain(WEB)).toMatchObject({ choice: { algorithm: 'RoundRobin' } });
    for (let round = 0; round < 5; round++) {
      expect((await client.hammer('tcp', WEB, 80, { count: 9 })).by).toEqual({ v1: 5, v2: 3, v3: 1 });
    }
    const inTurn = [];
    for (let many = 0; many < 18; many++) inTurn.push(await client.whoAnswers('tcp', WEB, 80));
    for (let from = 0; from + 9 <= inTurn.length; from++) {
      const window = inTurn.slice(from, from + 9);
      expect(SERVERS.map((name) => window.filter((each) => each === name).length)).toEqual([5, 3, 1]);
    }
    // Five of nine one after the other would be no turns.
    expect(inTurn.join(' ')).not.toContain('v1 v1 v1 v1');
  });

  test('holds for clients in parallel: they have one counter', async () => {
    await traffic.put('policy', chosenBy('RoundRobin', [5, 3, 1]));
    const both = [client, traffic.actors.other.shell].map((shell) =>
      shell.hammer('tcp', WEB, 80, { count: 450, threads: 4, reset: true }),
    );
    const [one, other] = await Promise.all(both);
    const sum = SERVERS.map((name) => (one?.by[name] ?? 0) + (other?.by[name] ?? 0));
    expect(sum).toEqual([500, 300, 100]);
  });
});

describe('LeastConnections', () => {
  test('connections that stay are in proportion to weights', async () => {
    await traffic.put('policy', chosenBy('LeastConnections'));
    const held = await hold(12);
    expect(held.by).toEqual({ v1: 6, v2: 4, v3: 2 });
    await held.end();
  });

  test('with weights 1 and 2 and loads 1 and 3 the next goes to the first, where chance gives the second two of three', async () => {
    await traffic.put('policy', chosenBy('WeightedRandom', [1, 0, 0]));
    const one = await hold(1);
    await traffic.put('policy', chosenBy('WeightedRandom', [0, 1, 0]));
    const three = await hold(3);
    await traffic.put('policy', chosenBy('WeightedRandom', [1, 2, 0]));
    expect(sharesOf(await traffic.explain(WEB))).toEqual({ v1: 1 / 3, v2: 2 / 3 });
    await traffic.put('policy', chosenBy('LeastConnections', [1, 2, 0]));
    const next = await hold(1);
    expect(next.by).toEqual({ v1: 1 });
    for (const held of [one, three, next]) await held.end();
  });
});

test('PeakEwma: an endpoint that refuses is met by those alone who draw it twice', async () => {
  await traffic.put('web', ...web(SERVERS, { v3: CLOSED_PORT }));
  await traffic.put('policy', chosenBy('PeakEwma', [1, 1, 1]));
  const { errors, total } = await client.hammer('tcp', WEB, 80, { count: 900, reset: true });
  await traffic.put('web', ...web());
  // 300 by chance alone, with a standard deviation of 14; 100 by two draws of three, with one of 9.
  expect(Object.keys(errors)).toEqual(['ECONNREFUSED']);
  expect(errors.ECONNREFUSED).toBeLessThan(170);
  expect(total).toBe(900);
});

describe('Maglev', () => {
  test('a pod keeps to one endpoint without affinity, and goes elsewhere only when that goes', async () => {
    await traffic.put('policy', chosenBy('Maglev', [1, 1, 1]));
    const before = await answersOfPods();
    const gone = before[0] as Name;
    await traffic.put('web', ...web(SERVERS.filter((name) => name !== gone)));
    const after = await answersOfPods();
    expect(after).not.toContain(gone);
    await traffic.put('web', ...web());
    expect(await answersOfPods()).toEqual(before);
  });

  /** Each pod's only answer. */
  const answersOfPods = async (): Promise<readonly string[]> => {
    const answers = [];
    for (const name of CLIENTS) {
      const { by, errors } = await traffic.actors[name].shell.hammer('tcp', WEB, 80, { count: 20, reset: true });
      expect(errors).toEqual({});
      expect(Object.keys(by)).toHaveLength(1);
      answers.push(...Object.keys(by));
    }
    return answers;
  };

  test('by source address, one endpoint of sixteen removed moves next to none of the other clients', async () => {
    const { shell, pod } = traffic.actors.v1;
    for (let server = 0; server < 16; server++) await shell.serve('tcp', '*', FIRST_PORT + server, `s${server}`);
    const objects = (gone?: number): readonly ClusterObject[] => [
      service({ clusterIPs: [WEB] }),
      ...Array.from({ length: 16 }, (_, server) =>
        slice(server === gone ? [] : [endpoint(pod.address4, { pod: `s${server}` })], {
          name: `web-s${server}`,
          ports: [{ name: 'http', protocol: 'TCP', port: FIRST_PORT + server }],
        }),
      ),
    ];
    await traffic.put('policy', policy([], { algorithm: 'Maglev', hashOn: 'SourceAddress' }));
    await traffic.put('web', ...objects());
    // Within a pod any address of 127.0.0.0/8 is one to leave from.
    const before = await answersFrom(shell, 300);
    expect(new Set(before).size).toBe(16);
    await traffic.put('web', ...objects(7));
    const after = await answersFrom(shell, 300);
    await traffic.put('web', ...web());
    const staying = before.flatMap((name, at) => (name === 's7' ? [] : [[name, after[at]] as const]));
    expect(after).not.toContain('s7');
    expect(staying.length).toBeLessThan(300);
    // The table is the same in each run: its clients that move are 1 % of those that stay.
    expect(staying.filter(([name, now]) => name !== now).length).toBeLessThan(0.02 * staying.length);
  });

  const FIRST_PORT = 9000;

  const answersFrom = async (shell: SocketShell, count: number): Promise<readonly string[]> => {
    const answers = [];
    for (let client = 0; client < count; client++) {
      const fd = await shell.socket('tcp4');
      expect(await shell.bind(fd, `127.1.${Math.floor(client / 100)}.${(client % 100) + 1}`, 0)).toEqual({ ok: true });
      expect(await shell.connect(fd, WEB, 80)).toEqual({ ok: true });
      const answer = await shell.recv(fd);
      answers.push('text' in answer ? answer.text.trim() : answer.error);
      await shell.reset(fd);
    }
    return answers;
  };
});

test('the algorithm of a live Service changes without a failed connection, and those that are open stay', async () => {
  await traffic.put('policy', chosenBy('WeightedRandom', [1, 1, 1]));
  const fresh = client.startHammer('tcp', WEB, 80, { threads: 2, reset: true, pauseMicros: 100 });
  const kept = client.startHammer('tcp', WEB, 80, { threads: 8, keep: true, pauseMicros: 1000 });
  const all = ['RoundRobin', 'LeastConnections', 'PeakEwma', 'Maglev', 'WeightedRandom'] as const;
  for (const algorithm of [...all, ...all]) {
    await traffic.put('policy', chosenBy(algorithm, [1, 1, 1]));
    expect(await traffic.explain(WEB)).toMatchObject({ choice: { algorithm }, kernel: { agrees: true } });
  }
  for (const load of [fresh, kept]) {
    const { errors, total } = await load.stop();
    expect({ errors, some: total > 100 }).toEqual({ errors: {}, some: true });
  }
});
