import { existsSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { unload } from '../../src/dataplane/kernel/unload.ts';
import { serviceStats } from '../helpers/counted.ts';
import { policy, service } from '../helpers/objects.ts';
import { startAgent } from '../helpers/running-agent.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';

/** How long the first byte of an answer takes, exchange by exchange, by the kernel's histogram and by the test's own clock. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const TCP = 'shop/web/tcp/TCP';
/** Where the test itself answers. */
const PORT = 8081;
const MEASURE = policy([], { name: 'measure', firstResponseTime: 'Measure' });

let stage: Stage<'client' | 'server'>;
let client: SocketShell;
let server: SocketShell;
let listening: number;

beforeAll(async () => {
  stage = await openStage({
    name: 'response',
    clients: ['client'],
    servers: ['server'],
    objects: (actors) => objects(actors.server),
  });
  client = stage.actors.client.shell;
  server = stage.actors.server.shell;
  listening = await server.socket('tcp6');
  await server.bind(listening, '::', PORT);
  await server.listen(listening);
});

afterAll(() => stage?.[Symbol.asyncDispose]());

const objects = (actor: Stage<'server'>['actors']['server']): readonly ClusterObject[] => [
  ...serviceWith('web', WEB, [actor], { port: PORT }),
  MEASURE,
];

/** Both ends of a connection to the Service. */
interface Pair {
  readonly asking: number;
  readonly answering: number;
}

const open = async (kind: 'tcp4' | 'tcp6' = 'tcp4', address: string = WEB[kind === 'tcp4' ? 0 : 1]): Promise<Pair> => {
  const asking = await client.socket(kind);
  expect(await client.connect(asking, address, 80)).toEqual({ ok: true });
  const answering = await server.accept(listening);
  if ('error' in answering) throw new Error(answering.error);
  return { asking, answering: answering.fd };
};

const opened: Pair[] = [];

const openPair = async (...args: Parameters<typeof open>): Promise<Pair> => {
  const pair = await open(...args);
  opened.push(pair);
  return pair;
};

afterEach(async () => {
  for (const { asking, answering } of opened.splice(0)) {
    await client.closeSocket(asking);
    await server.closeSocket(answering);
  }
});

/** How long it took, at least and at most, in ms: the calls of the two ends lie between. */
interface Bounds {
  readonly least: number;
  readonly most: number;
}

const exchange = async ({ asking, answering }: Pair, delayMs: number): Promise<Bounds> => {
  const asked = performance.now();
  await client.send(asking, 'question');
  expect(await server.recv(answering)).toEqual({ text: 'question' });
  const thinking = performance.now();
  if (delayMs > 0) await sleep(delayMs);
  const least = performance.now() - thinking;
  await server.send(answering, 'answer');
  expect(await client.recv(asking)).toEqual({ text: 'answer' });
  return { least, most: performance.now() - asked };
};

/** How many, and what they come to in ms, while `work` was done. */
const measured = async (work: () => Promise<unknown>): Promise<{ readonly count: number; readonly ms: number }> => {
  const before = responses();
  await work();
  const after = responses();
  const buckets = after.buckets.map((count, bucket) => count - (before.buckets[bucket] ?? 0));
  const ms = (after.ns - before.ns) / 1e6;
  expect(ms * 1000).toBeGreaterThanOrEqual(
    sumOf(buckets.map((count, bucket) => count * Math.floor(2 ** (bucket - 1)))),
  );
  expect(ms * 1000).toBeLessThanOrEqual(sumOf(buckets.map((count, bucket) => count * 2 ** bucket)));
  return { count: sumOf(buckets), ms };
};

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const responses = () => serviceStats(stage.agent, TCP).firstResponses ?? { ns: 0, buckets: [] };

const expectWithin = (ms: number, { least, most }: Bounds): void => {
  expect(ms).toBeGreaterThanOrEqual(least - CLOCK_MS);
  expect(ms).toBeLessThanOrEqual(most);
};

/** A timer of Node may come a little early by its clock. */
const CLOCK_MS = 1;

describe.each(['tcp4', 'tcp6'] as const)('a server (%s)', (kind) => {
  test.each([0, 5, 60])('that answers after %i ms is found to take as long', async (delayMs) => {
    const pair = await openPair(kind);
    for (let round = 0; round < 5; round++) {
      let bounds: Bounds = { least: 0, most: 0 };
      const { count, ms } = await measured(async () => {
        bounds = await exchange(pair, delayMs);
      });
      expect(count).toBe(1);
      expectWithin(ms, bounds);
    }
  });
});

test.each([5, 60])(
  'what is acknowledged late, by either end, is as long as it took: %i ms, and then silence',
  async (delayMs) => {
    const pair = await openPair();
    // Both ends delay their acknowledgements once they have seen that it is a dialogue.
    for (let round = 0; round < 20; round++) await exchange(pair, 0);
    for (let round = 0; round < 3; round++) {
      let bounds: Bounds = { least: 0, most: 0 };
      const { count, ms } = await measured(async () => {
        bounds = await exchange(pair, delayMs);
        await sleep(300);
      });
      expect(count).toBe(1);
      expectWithin(ms, bounds);
    }
  },
);

test('each exchange of a connection that is kept is counted once', async () => {
  const pair = await openPair();
  let bounds: Bounds = { least: 0, most: 0 };
  const { count, ms } = await measured(async () => {
    for (let round = 0; round < 200; round++) {
      const { least, most } = await exchange(pair, 0);
      bounds = { least: bounds.least + least, most: bounds.most + most };
    }
  });
  expect(count).toBe(200);
  expect(ms).toBeLessThanOrEqual(bounds.most);
});

test('the first exchange of each connection is counted', async () => {
  const { count } = await measured(async () => {
    for (let round = 0; round < 30; round++) await exchange(await openPair(), 0);
  });
  expect(count).toBe(30);
});

test('questions that follow each other without waiting are one exchange, and end with the first answer', async () => {
  const pair = await openPair();
  const answered: number[] = [];
  const { count, ms } = await measured(async () => {
    const began = performance.now();
    for (let question = 0; question < 3; question++) await client.send(pair.asking, 'question');
    await server.recv(pair.answering);
    for (let answer = 0; answer < 3; answer++) {
      await server.send(pair.answering, 'answer');
      expect(await client.recv(pair.asking)).toEqual({ text: 'answer' });
      answered.push(performance.now() - began);
      await sleep(50);
    }
  });
  expect(count).toBe(1);
  expect(ms).toBeLessThanOrEqual(answered[0] ?? 0);
  expect((await measured(() => exchange(pair, 0))).count).toBe(1);
});

test('what a server says unasked is no answer, neither first nor later', async () => {
  const pair = await openPair();
  const { count } = await measured(async () => {
    for (let greeting = 0; greeting < 3; greeting++) {
      await sleep(20);
      await server.send(pair.answering, 'hello');
      await client.recv(pair.asking);
    }
  });
  expect(count).toBe(0);
  let bounds: Bounds = { least: 0, most: 0 };
  const { count: asked, ms } = await measured(async () => {
    bounds = await exchange(pair, 5);
  });
  expect(asked).toBe(1);
  expectWithin(ms, bounds);
});

test('a long question counts from its first byte', async () => {
  const pair = await openPair();
  const PIECE = 'x'.repeat(3000);
  const began = performance.now();
  const { count, ms } = await measured(async () => {
    for (let piece = 0; piece < 10; piece++) {
      await client.send(pair.asking, PIECE);
      await sleep(20);
    }
    let read = 0;
    while (read < 10 * PIECE.length) {
      read += ((await server.recv(pair.answering)) as { readonly text: string }).text.length;
    }
    await server.send(pair.answering, 'answer');
    await client.recv(pair.asking);
  });
  expect(count).toBe(1);
  expectWithin(ms, { least: 200, most: performance.now() - began });
});

test('a question in pieces counts from the first, though none is acknowledged before the answer', async () => {
  const pair = await openPair();
  await client.setsockopt(pair.asking, 'tcp_nodelay', 1);
  for (let round = 0; round < 20; round++) await exchange(pair, 0);
  const began = performance.now();
  const { count, ms } = await measured(async () => {
    await client.send(pair.asking, 'quest');
    expect(await server.recv(pair.answering)).toEqual({ text: 'quest' });
    await sleep(20);
    await client.send(pair.asking, 'ion');
    expect(await server.recv(pair.answering)).toEqual({ text: 'ion' });
    await server.send(pair.answering, 'answer');
    await client.recv(pair.asking);
  });
  expect(count).toBe(1);
  expectWithin(ms, { least: 20, most: performance.now() - began });
});

test('a long answer counts until its first byte', async () => {
  const pair = await openPair();
  const sent: number[] = [];
  const { count, ms } = await measured(async () => {
    const began = performance.now();
    await client.send(pair.asking, 'question');
    await server.recv(pair.answering);
    for (let piece = 0; piece < 10; piece++) {
      await server.send(pair.answering, 'x'.repeat(3000));
      sent.push(performance.now() - began);
      await sleep(20);
    }
  });
  expect(count).toBe(1);
  expect(ms).toBeLessThanOrEqual(sent[0] ?? 0);
});

test('a question that nobody answers is none, whoever ends the connection', async () => {
  const { count } = await measured(async () => {
    for (const end of ['client', 'server'] as const) {
      const { asking, answering } = await open();
      await client.send(asking, 'question');
      await server.recv(answering);
      await sleep(20);
      if (end === 'client') await client.closeSocket(asking);
      await server.closeSocket(answering);
      await sleep(20);
      if (end === 'server') await client.closeSocket(asking);
    }
  });
  expect(count).toBe(0);
});

test('a byte is an answer, and so is one that comes with the end of the connection', async () => {
  const { asking, answering } = await open();
  const { count } = await measured(async () => {
    await client.send(asking, 'q');
    await server.recv(answering);
    await server.send(answering, 'a');
    await server.closeSocket(answering);
    expect(await client.recv(asking)).toEqual({ text: 'a' });
  });
  await client.closeSocket(asking);
  expect(count).toBe(1);
});

const link = (): string => `${stage.node.bpfRoot}/links/shunt_first_response`;

test('nothing is attached, and nothing measured, where no policy asks for it', async () => {
  const pair = await openPair();
  await exchange(pair, 0);
  expect(existsSync(link())).toBe(true);
  await stage.agent.put({ ...MEASURE, firstResponseTime: 'Ignore' });
  expect(existsSync(link())).toBe(false);
  expect((await measured(() => exchange(pair, 0))).count).toBe(0);
  await stage.agent.put(MEASURE);
  expect(existsSync(link())).toBe(true);
  // At once, for who is connected already too.
  expect((await measured(() => exchange(pair, 0))).count).toBe(1);
});

test('an answer that nobody measured ends its exchange all the same', async () => {
  const pair = await openPair();
  await client.send(pair.asking, 'question');
  expect(await server.recv(pair.answering)).toEqual({ text: 'question' });
  // By now it is acknowledged, and known to wait.
  await sleep(100);
  await stage.agent.put({ ...MEASURE, firstResponseTime: 'Ignore' });
  await server.send(pair.answering, 'answer');
  expect(await client.recv(pair.asking)).toEqual({ text: 'answer' });
  await stage.agent.put(MEASURE);
  await sleep(200);
  let bounds: Bounds = { least: 0, most: 0 };
  const { count, ms } = await measured(async () => {
    bounds = await exchange(pair, 5);
  });
  expect(count).toBe(1);
  expectWithin(ms, bounds);
});

test('other Services are not measured, and say nothing of it', async () => {
  await stage.agent.put(...serviceWith('other', ['10.96.0.2'], [stage.actors.server], { port: PORT }));
  const pair = await openPair('tcp4', '10.96.0.2');
  expect((await measured(() => exchange(pair, 0))).count).toBe(0);
  expect(serviceStats(stage.agent, 'shop/other/tcp/TCP').firstResponses).toBeUndefined();
});

test('tables that grow take with them what was measured, and exchanges that are under way', async () => {
  const pair = await openPair();
  await exchange(pair, 0);
  const before = responses();
  await client.send(pair.asking, 'question');
  await server.recv(pair.answering);
  const { services } = stage.agent.agent.status().capacity;
  await stage.agent.put(
    ...Array.from({ length: services + 1 }, (_, index) =>
      service({ name: `more-${index}`, clusterIPs: [`10.96.${1 + (index >> 7)}.${1 + (index & 127)}`] }),
    ),
  );
  expect(stage.agent.agent.status().capacity.services).toBeGreaterThan(services);
  expect(responses().ns).toBeGreaterThanOrEqual(before.ns);
  const { count } = await measured(async () => {
    await server.send(pair.answering, 'answer');
    await client.recv(pair.asking);
  });
  expect(count).toBe(1);
  expect((await measured(() => exchange(pair, 0))).count).toBe(1);
});

test('what somebody takes away is missed, and comes back', async () => {
  const { dataplane } = stage.agent;
  expect(dataplane.lostPrograms()).toEqual([]);
  unlinkSync(link());
  expect(dataplane.lostPrograms()).toEqual(['shunt_first_response']);
  await dataplane.activate();
  expect(dataplane.lostPrograms()).toEqual([]);
  const pair = await openPair();
  expect((await measured(() => exchange(pair, 0))).count).toBe(1);
});

test('an agent that is gone goes on measuring, and the next one has it all', async () => {
  const pair = await openPair();
  const before = responses();
  await stage.agent.stop();
  const bounds = await exchange(pair, 5);
  stage = { ...stage, agent: await startAgent(stage.node, { objects: objects(stage.actors.server) }) };
  const after = responses();
  expect(sumOf(after.buckets)).toBe(sumOf(before.buckets) + 1);
  expectWithin((after.ns - before.ns) / 1e6, bounds);
  expect((await measured(() => exchange(pair, 0))).count).toBe(1);
});

test('an unload leaves nothing of it', async () => {
  await stage.agent.stop();
  expect(existsSync(link())).toBe(true);
  expect((await unload(stage.node.bpfRoot, false)).programs).toContain('shunt_first_response');
  expect(existsSync(link())).toBe(false);
});
