import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { endpoint, pod, policy, service, slice } from '../helpers/objects.ts';
import { Program } from '../helpers/real-programs/program.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';

/** First response times of connections that go socket to socket, where neither end gets a segment. */

const ADDRESS = '10.96.0.10';
const PORT = 8080;
const WAITING = { timeout: 20_000, interval: 20 };

/** Answers each message after as many ms as it says. */
const SERVER = `
  require('net').createServer((socket) => {
    socket.setNoDelay(true);
    socket.on('data', (data) => setTimeout(() => socket.write('answer'), Number(data)));
    socket.on('error', () => {});
  }).listen(${PORT}, () => console.log('ready'));
`;

/** For `5x100` on its input sends a hundred messages of 5 ms, one after the other, and says how long all took. */
const CLIENT = `
  const socket = require('net').connect(80, '${ADDRESS}', () => console.log('connected'));
  socket.setNoDelay(true);
  let answered = () => {};
  socket.on('data', () => answered());
  require('readline').createInterface({ input: process.stdin }).on('line', async (line) => {
    const [delay, rounds] = line.split('x');
    const began = performance.now();
    for (let round = 0; round < Number(rounds); round++) {
      const answer = new Promise((resolve) => { answered = resolve; });
      socket.write(delay);
      await answer;
    }
    console.log('took ' + (performance.now() - began));
  });
`;

let node: EmbeddedNode;
let server: Pod;
let caller: Pod;
let agent: RunningAgent;

const run = async (place: Pod, script: string, says: RegExp): Promise<Program> => {
  const program = new Program(place, [process.execPath, '-e', script]);
  await program.said(says);
  return program;
};

const podOf = ({ name, address4, address6 }: Pod) => pod({ name, addresses: [address4, address6] });

const REDIRECT = { sameNode: 'Redirect' } as const;

beforeEach(async () => {
  node = await createNode({ name: 'joined' });
  [server, caller] = await Promise.all([node.addPod('server'), node.addPod('caller')]);
  await run(server, SERVER, /ready/);
});

afterEach(async () => {
  await agent?.stop();
  await node.close();
});

const start = async (firstResponseTime: 'Measure' | 'Ignore'): Promise<Program> => {
  agent = await startAgent(node, {
    objects: [
      podOf(server),
      podOf(caller),
      service({ clusterIPs: [ADDRESS] }),
      slice([endpoint(server.address4)]),
      policy([], { ...REDIRECT, firstResponseTime }),
    ],
  });
  await vi.waitFor(() => expect(agent.agent.status().sameNode?.attached).toBe(true), WAITING);
  return run(caller, CLIENT, /connected/);
};

const responses = () => [...agent.agent.services('shop/web')][0]?.stats.firstResponses ?? { ns: 0, buckets: [] };

const countOf = ({ buckets }: { readonly buckets: readonly number[] }): number =>
  buckets.reduce((sum, count) => sum + count, 0);

/** Has so many messages answered after so long; returns how long they took by the client's clock. */
const ask = async (program: Program, delayMs: number, rounds: number): Promise<number> => {
  program.stdout = '';
  program.write(`${delayMs}x${rounds}\n`);
  await program.said(/took .*\n/);
  return Number(/took (.*)\n/.exec(program.stdout)?.[1]);
};

const joinedMessages = (): number => agent.agent.status().sameNode?.messages ?? 0;

/** Exchanges until both ends have shown how they read, and some more. */
const join = async (program: Program): Promise<number> => {
  let rounds = 0;
  await vi.waitFor(async () => {
    rounds += 40;
    await ask(program, 0, 40);
    expect(joinedMessages()).toBeGreaterThan(40);
  }, WAITING);
  return rounds;
};

test('each exchange is counted once and is as long as it took, before its ends are joined and after', async () => {
  const program = await start('Measure');
  const rounds = await join(program);
  await vi.waitFor(() => expect(countOf(responses())).toBe(rounds), WAITING);

  const before = responses();
  const messages = joinedMessages();
  const tookMs = await ask(program, 5, 60);
  expect(joinedMessages() - messages).toBe(120);
  await vi.waitFor(() => expect(countOf(responses())).toBe(rounds + 60), WAITING);
  const ms = (responses().ns - before.ns) / 1e6;
  expect(ms).toBeGreaterThanOrEqual(60 * 4);
  expect(ms).toBeLessThanOrEqual(tookMs);
});

test('those of joined ends are measured as soon as a policy asks for it, and no longer than that', async () => {
  const program = await start('Ignore');
  await join(program);
  expect(responses()).toEqual({ ns: 0, buckets: [] });

  await agent.put(policy([], { ...REDIRECT, firstResponseTime: 'Measure' }));
  await vi.waitFor(async () => {
    await ask(program, 0, 5);
    expect(countOf(responses())).toBeGreaterThan(0);
  }, WAITING);
  const counted = countOf(responses());
  await ask(program, 1, 50);
  await vi.waitFor(() => expect(countOf(responses())).toBeGreaterThanOrEqual(counted + 50), WAITING);

  await agent.put(policy([], { ...REDIRECT, firstResponseTime: 'Ignore' }));
  await vi.waitFor(async () => {
    const before = countOf(responses());
    await ask(program, 1, 50);
    // What had been measured before is added every 5 s.
    await sleep(6000);
    expect(countOf(responses())).toBe(before);
  }, WAITING);
  const messages = joinedMessages();
  await ask(program, 0, 20);
  expect(joinedMessages()).toBe(messages + 40);

  // And again: the time between is nobody's.
  const { ns } = responses();
  let askedMs = 0;
  await agent.put(policy([], { ...REDIRECT, firstResponseTime: 'Measure' }));
  await vi.waitFor(async () => {
    askedMs += await ask(program, 1, 5);
    expect(responses().ns).toBeGreaterThan(ns);
  }, WAITING);
  expect((responses().ns - ns) / 1e6).toBeLessThanOrEqual(askedMs);
});
