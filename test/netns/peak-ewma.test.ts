import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closeFd } from '../../src/native/descriptor.ts';
import { cgroupPrograms, openProgram, programInfo } from '../../src/native/program.ts';
import { enableStats } from '../../src/native/system.ts';
import { ewmaOf, write } from '../helpers/hand-made.ts';
import { CLOSED_PORT, type HandMadeScene, NAMES, openHandMadeScene, VIP, WEIGHTS } from '../helpers/hand-made-scene.ts';
import { retryUntil } from '../helpers/retry.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';

/** What PeakEwma knows of endpoints, from real connections. Backend i is the server i; the Service is record 0. */

let scene: HandMadeScene;
let client: SocketShell;

beforeEach(async () => {
  scene = await openHandMadeScene('peak-ewma');
  client = scene.client;
});

afterEach(() => scene?.[Symbol.asyncDispose]());

const only = (backend: number, port = 8080): void =>
  write(scene.kernel, {
    services: [{ index: 0, choice: { algorithm: 'PeakEwma', hashOn: 'Pod' } }],
    backends: [{ index: backend, address: scene.pods[backend]?.address4 as string, port }],
    ranges: [{ base: 1, entries: [backend], weights: [1] }],
    frontends: [{ address: VIP, slotBase: 1, slotCount: 1 }],
  });

/** A connection to the server 0, with both of its ends in the hands of the test. */
const bothEnds = async () => {
  const [server] = scene.servers as [SocketShell];
  const listener = await server.socket('tcp4');
  await server.bind(listener, '0.0.0.0', 8080);
  await server.listen(listener);
  only(0);
  const here = await client.socket('tcp4');
  expect(await client.connect(here, VIP, 80)).toEqual({ ok: true });
  const { fd: there } = (await server.accept(listener)) as { readonly fd: number };
  return { here, there, server };
};

test('knows how long the first answer to a request took, not how long the client thought before', async () => {
  const { here, there, server } = await bothEnds();
  expect(ewmaOf(scene.node, 0)).toBeLessThan(50_000);
  await sleep(300);
  await client.send(here, 'question');
  expect(await server.recv(there)).toEqual({ text: 'question' });
  await sleep(100);
  await server.send(there, 'answer');
  expect(await client.recv(here)).toEqual({ text: 'answer' });
  const took = ewmaOf(scene.node, 0);
  expect(took).toBeGreaterThan(99_000);
  expect(took).toBeLessThan(290_000);
  // Only the first answer counts.
  await client.send(here, 'question');
  await server.recv(there);
  await sleep(400);
  await server.send(there, 'answer');
  await client.recv(here);
  await client.send(here, 'and so on');
  expect(ewmaOf(scene.node, 0)).toBe(took);
});

test('knows how long a server took that speaks first', async () => {
  const { here, there, server } = await bothEnds();
  await sleep(60);
  await server.send(there, 'welcome');
  expect(await client.recv(here)).toEqual({ text: 'welcome' });
  expect(ewmaOf(scene.node, 0)).toBeGreaterThan(59_000);
  expect(ewmaOf(scene.node, 0)).toBeLessThan(250_000);
});

describe('of a request that is never answered', () => {
  test.each([
    { what: 'closes', end: 'closeSocket' },
    { what: 'breaks off', end: 'reset' },
  ] as const)('takes as long as its client waited, at least, who $what then', async ({ end }) => {
    const { here, there, server } = await bothEnds();
    await client.send(here, 'question');
    await server.recv(there);
    await sleep(100);
    await client[end](here);
    await retryUntil(() => ewmaOf(scene.node, 0) > 97_000);
    expect(ewmaOf(scene.node, 0)).toBeLessThan(400_000);
    // The other end follows, which is no failure of it.
    await server.closeSocket(there);
    await sleep(50);
    expect(ewmaOf(scene.node, 0)).toBeLessThan(400_000);
  });

  test.each([
    { what: 'closes', end: 'closeSocket' },
    { what: 'breaks off', end: 'reset' },
  ] as const)('takes a second, where the server $what instead', async ({ end }) => {
    const { here, there, server } = await bothEnds();
    await client.send(here, 'question');
    await server.recv(there);
    await server[end](there);
    await client.recv(here);
    await retryUntil(() => ewmaOf(scene.node, 0) > 990_000);
  });

  test.each(['client', 'server'] as const)('says nothing where nothing was asked, and the %s closes', async (who) => {
    const { here, there, server } = await bothEnds();
    await sleep(100);
    await (who === 'client' ? client.closeSocket(here) : server.closeSocket(there));
    await sleep(50);
    await (who === 'client' ? server.closeSocket(there) : client.closeSocket(here));
    await sleep(50);
    expect(ewmaOf(scene.node, 0)).toBeLessThan(50_000);
  });

  test('is answered all the same to a client that has only stopped sending', async () => {
    const { here, there, server } = await bothEnds();
    await client.send(here, 'question');
    await client.shutdown(here, 'write');
    await server.recv(there);
    await sleep(100);
    await server.send(there, 'answer');
    expect(await client.recv(here)).toEqual({ text: 'answer' });
    expect(ewmaOf(scene.node, 0)).toBeGreaterThan(97_000);
    expect(ewmaOf(scene.node, 0)).toBeLessThan(400_000);
  });
});

test('takes what was given up without any answer for as long as that took, at least', async () => {
  await scene.servers[0]?.serve('tcp', '*', 8081, 'full', 'full');
  only(0, 8081);
  const fd = await client.socket('tcp4', { nonblock: true });
  await client.connect(fd, VIP, 80);
  await sleep(120);
  await client.closeSocket(fd);
  await retryUntil(() => ewmaOf(scene.node, 0) > 117_000);
  expect(ewmaOf(scene.node, 0)).toBeLessThan(500_000);
});

test.each([1, 2])('knows how long a handshake took whose SYN was sent again, times: %i', async (times) => {
  const [server] = scene.servers as [SocketShell];
  const listener = await server.socket('tcp4');
  await server.bind(listener, '0.0.0.0', 8080);
  await server.listen(listener, 0);
  only(0);
  const first = await client.socket('tcp4', { nonblock: true });
  await client.connect(first, scene.pods[0]?.address4 as string, 8080);
  await sleep(50);
  const fd = await client.socket('tcp4', { nonblock: true });
  const start = performance.now();
  await client.connect(fd, VIP, 80);
  await sleep(times * 1000 - 500);
  await server.accept(listener);
  await retryUntil(() => scene.kernel.stats.backend(0).established === 1, { timeoutMs: 5000 });
  const tookUs = (performance.now() - start) * 1000;
  expect(tookUs).toBeGreaterThan(times * 900_000);
  for (const us of [scene.kernel.stats.backend(0).connectNs / 1000, ewmaOf(scene.node, 0)])
    expect(Math.abs(us - tookUs)).toBeLessThan(300_000);
});

test('is not called for segments any more once the first answer has come', async () => {
  const { here, there, server } = await bothEnds();
  const statistics = enableStats();
  const [id = 0] = cgroupPrograms(scene.node.cgroup, 'sockops');
  const program = openProgram(id);
  const talk = async (): Promise<void> => {
    await client.send(here, 'question');
    await server.recv(there);
    await server.send(there, 'answer');
    await client.recv(here);
  };
  const before = programInfo(program).runCount;
  await talk();
  const first = programInfo(program).runCount - before;
  for (let many = 0; many < 20; many++) await talk();
  const later = programInfo(program).runCount - before - first;
  closeFd(program);
  closeFd(statistics);
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(10);
  expect(later).toBe(0);
});

test('takes a refused connection for one that took a second', async () => {
  only(0, CLOSED_PORT);
  expect(await client.whoAnswers('tcp', VIP, 80)).toBe('ECONNREFUSED');
  expect(ewmaOf(scene.node, 0)).toBe(1_000_000);
});

const chooseOfAll = (): void =>
  write(scene.kernel, {
    services: [{ index: 0, choice: { algorithm: 'PeakEwma', hashOn: 'Pod' } }],
    backends: scene.pods.map(({ address4 }, index) => ({ index, address: address4, weight: WEIGHTS[index] as number })),
    ranges: [{ base: 1, entries: [0, 1, 2], weights: WEIGHTS }],
    frontends: [{ address: VIP, slotBase: 1, slotCount: 3 }],
  });

test('sends most connections past an endpoint that answers no SYN, though its clients give up soon', async () => {
  await scene.servers[0]?.serve('tcp', '*', 8080, 'full', 'full');
  for (const index of [1, 2]) await scene.servers[index]?.serve('tcp', '*', 8080, NAMES[index] as string);
  chooseOfAll();
  await client.hammer('tcp', VIP, 80, { count: 100, timeoutMs: 100 });
  // A half by weight, a quarter by two draws of it.
  expect(scene.kernel.stats.backend(0).attempts).toBeLessThan(45);
  expect(scene.kernel.stats.backend(0).attempts).toBeGreaterThan(0);
});

test('sends most connections past an endpoint that answers late', async () => {
  const late = scene.servers[0] as SocketShell;
  await scene.servers[1]?.serve('tcp', '*', 8080, 'v1');
  await scene.servers[2]?.serve('tcp', '*', 8080, 'v2');
  const listener = await late.socket('tcp4');
  await late.bind(listener, '0.0.0.0', 8080);
  await late.listen(listener);
  chooseOfAll();
  const answers = client.startHammer('tcp', VIP, 80, { count: 200 });
  // The first that comes here waits for its answer; nobody is sent here meanwhile but by two draws.
  let served = 0;
  for (;;) {
    const accepted = await late.accept(listener, 1000);
    if ('error' in accepted) break;
    served += 1;
    await sleep(50);
    await late.send(accepted.fd, 'v0\n');
    await late.closeSocket(accepted.fd);
  }
  const { by, errors } = await answers.result;
  expect(errors).toEqual({});
  expect(served).toBeGreaterThan(0);
  // A half by weight, a quarter by two draws of it.
  expect(by.v0 ?? 0).toBeLessThan(80);
});
