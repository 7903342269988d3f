import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EventView } from '../../src/agent/event-view.ts';
import { allEnded } from '../helpers/counted.ts';
import { EventLog } from '../helpers/event-log.ts';
import { backend, endpoint, parent, route, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, type Stage, serviceAt, serviceWith } from '../helpers/stage.ts';

/** What is told of real connections, of each kind of ending, is what happened. */

const ACCEPTS = ['10.96.0.1', 'fd00:10:96::1'] as const;
const CLOSED = ['10.96.0.2', 'fd00:10:96::2'] as const;
const SILENT = ['10.96.0.3', 'fd00:10:96::3'] as const;
const ROUTELESS = ['10.96.0.4', 'fd00:10:96::4'] as const;
const EMPTY = ['10.96.0.5', 'fd00:10:96::5'] as const;
const SPLIT = ['10.96.0.6', 'fd00:10:96::6'] as const;
const GHOST = '10.96.0.7';

let stage: Stage<'client' | 'v1'>;
let client: SocketShell;
let server: SocketShell;
let listener: number;
let log: EventLog;

beforeAll(async () => {
  stage = await openStage({
    name: 'events',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [
      ...serviceWith('accepts', ACCEPTS, [v1], { port: 7001 }),
      ...serviceWith('closed', CLOSED, [v1], { port: 1 }),
      ...serviceWith('silent', SILENT, [v1], { port: 7002 }),
      ...serviceAt('routeless', ROUTELESS, ['192.0.2.1', '2001:db8::1']),
      service({ name: 'empty', clusterIPs: EMPTY, ports: PORTS }),
      ...serviceWith('split', SPLIT, [v1]),
      route({
        parents: [parent({ name: 'split' })],
        backends: [backend('missing', { weight: 1_000_000 }), backend('split', { weight: 0 })],
      }),
    ],
  });
  client = stage.actors.client.shell;
  server = stage.actors.v1.shell;
  listener = await server.socket('tcp6');
  await server.bind(listener, '::', 7001);
  await server.listen(listener);
  await server.serve('tcp', '*', 7002, 'silent', 'full');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

beforeEach(() => {
  log = new EventLog(stage.agent.agent);
});

afterEach(async () => {
  await log[Symbol.asyncDispose]();
  await retryUntil(() => allEnded(stage.agent));
});

/** So many events, and no more of them afterwards. */
const told = async (count: number): Promise<readonly EventView[]> => {
  await retryUntil(() => log.events.length >= count, { timeoutMs: 20_000 });
  await sleep(60);
  return log.take();
};

/** Without the times, which differ from run to run, but with whether they are known. */
const shape = ({ atMs, connectMs, durationMs, ...event }: EventView) => ({
  ...event,
  recent: Math.abs(Date.now() - atMs) < 10_000,
  connect: connectMs !== undefined,
  duration: durationMs !== undefined,
});

const about = (name: string, address: string, endpointPort: number | undefined, protocol: 'TCP' | 'UDP' = 'TCP') => ({
  protocol,
  service: `shop/${name}`,
  id: `shop/${name}/${protocol.toLowerCase()}/${protocol}`,
  address,
  port: 80,
  from: { cgroup: String(statSync(stage.actors.client.pod.cgroup, { bigint: true }).ino) },
  ...(endpointPort !== undefined && {
    endpoint: {
      address: address.includes(':') ? stage.actors.v1.pod.address6 : stage.actors.v1.pod.address4,
      port: endpointPort,
    },
  }),
  recent: true,
});

const bothEnds = async (address: string): Promise<{ here: number; there: number }> => {
  const here = await client.socket(address.includes(':') ? 'tcp6' : 'tcp4');
  expect(await client.connect(here, address, 80)).toEqual({ ok: true });
  const { fd: there } = (await server.accept(listener)) as { readonly fd: number };
  return { here, there };
};

describe.each(ACCEPTS)('a connection to %s that is established', (address) => {
  test('and closed is told twice, with its bytes and times', async () => {
    const ends = await bothEnds(address);
    await client.send(ends.here, 'five!');
    expect(await server.recv(ends.there)).toEqual({ text: 'five!' });
    await server.send(ends.there, 'eleven bits');
    expect(await client.recv(ends.here)).toEqual({ text: 'eleven bits' });
    await sleep(100);
    await client.closeSocket(ends.here);
    await server.closeSocket(ends.there);
    const events = await told(2);
    expect(events.map(shape)).toEqual([
      { ...about('accepts', address, 7001), outcome: 'established', connect: true, duration: false },
      {
        ...about('accepts', address, 7001),
        outcome: 'closed',
        connect: true,
        duration: true,
        bytesSent: 5,
        bytesReceived: 11,
      },
    ]);
    const [established, closed] = events;
    expect(closed?.connectMs).toBe(established?.connectMs);
    expect(closed?.connectMs).toBeLessThan(100);
    expect(closed?.durationMs).toBeGreaterThanOrEqual(99);
    expect(closed?.durationMs).toBeLessThan(5000);
  });

  test('and reset by its endpoint is told so', async () => {
    const ends = await bothEnds(address);
    await server.reset(ends.there);
    expect(await client.recv(ends.here)).toEqual({ error: 'ECONNRESET' });
    await client.closeSocket(ends.here);
    expect((await told(2)).map(shape)[1]).toEqual({
      ...about('accepts', address, 7001),
      outcome: 'reset',
      connect: true,
      duration: true,
      bytesSent: 0,
      bytesReceived: 0,
    });
  });
});

describe.each([0, 1] as const)('a connection that is never established, of family %i, is told once:', (family) => {
  const kind = family === 0 ? 'tcp4' : 'tcp6';
  test.each([
    { name: 'closed', to: CLOSED, error: 'ECONNREFUSED', outcome: 'refused', endpointPort: 1 },
    { name: 'empty', to: EMPTY, error: 'ECONNREFUSED', outcome: 'rejected_no_endpoint' },
    { name: 'split', to: SPLIT, error: 'ECONNREFUSED', outcome: 'rejected_share' },
  ])('$outcome', async ({ name, to, error, outcome, endpointPort }) => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, to[family], 80)).toEqual({ error });
    await client.closeSocket(fd);
    const isSent = endpointPort !== undefined;
    expect((await told(1)).map(shape)).toEqual([
      { ...about(name, to[family], endpointPort), outcome, connect: isSent, duration: false },
    ]);
  });

  test('unreachable', async () => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, ROUTELESS[family], 80)).toEqual({ error: 'EHOSTUNREACH' });
    await client.closeSocket(fd);
    const endpointAt = { address: ['192.0.2.1', '2001:db8::1'][family], port: 80 };
    expect((await told(1)).map(shape)).toEqual([
      {
        ...about('routeless', ROUTELESS[family], undefined),
        endpoint: endpointAt,
        outcome: 'unreachable',
        connect: true,
        duration: false,
      },
    ]);
  });

  test('rejected_no_port', async () => {
    const fd = await client.socket(kind);
    expect(await client.connect(fd, ACCEPTS[family], 81)).toEqual({ error: 'ECONNREFUSED' });
    await client.closeSocket(fd);
    expect((await told(1)).map(({ outcome, service: name, port }) => ({ outcome, name, port }))).toEqual([
      { outcome: 'rejected_no_port', name: 'shop/accepts', port: 81 },
    ]);
  });

  test('abandoned, after as long as it was waited for', async () => {
    const fd = await client.socket(kind, { nonblock: true });
    await client.connect(fd, SILENT[family], 80);
    await sleep(200);
    await client.closeSocket(fd);
    const events = await told(1);
    expect(events.map(shape)).toEqual([
      { ...about('silent', SILENT[family], 7002), outcome: 'abandoned', connect: true, duration: false },
    ]);
    expect(events[0]?.connectMs).toBeGreaterThanOrEqual(199);
    expect(events[0]?.connectMs).toBeLessThan(2000);
  });

  test('timed_out', async () => {
    const fd = await client.socket(kind, { nonblock: true });
    await client.setsockopt(fd, 'tcp_syncnt', 1);
    await client.connect(fd, SILENT[family], 80);
    const events = await told(1);
    await client.closeSocket(fd);
    expect(events.map(shape)).toEqual([
      { ...about('silent', SILENT[family], 7002), outcome: 'timed_out', connect: true, duration: false },
    ]);
    expect(events[0]?.connectMs).toBeGreaterThan(1000);
  });
});

test('a connection that breaks because nothing is heard any more is told as broken', async () => {
  const ghost = await stage.node.addPod('ghost');
  await (await openShell(ghost)).serve('tcp', '*', 7006, 'ghost');
  const ports = PORTS.map((port) => ({ ...port, port: 7006 }));
  await stage.agent.put(
    service({ name: 'ghost', clusterIPs: [GHOST], ports: PORTS }),
    slice([endpoint(ghost.address4)], { name: 'ghost-4', service: 'ghost', ports }),
  );
  const fd = await client.socket('tcp4');
  await client.setsockopt(fd, 'tcp_user_timeout', 300);
  await client.connect(fd, GHOST, 80);
  expect(await client.recv(fd)).toEqual({ text: 'ghost\n' });
  await once(stage.node.spawn('ip', ['link', 'set', ghost.link, 'down']), 'exit');
  await client.send(fd, 'into the void');
  expect(await client.recv(fd)).toEqual({ error: 'ETIMEDOUT' });
  await client.closeSocket(fd);
  expect((await told(2)).map(({ outcome, bytesReceived }) => ({ outcome, bytesReceived }))).toEqual([
    { outcome: 'established', bytesReceived: undefined },
    { outcome: 'broken', bytesReceived: 'ghost\n'.length },
  ]);
  await stage.node.removePod('ghost');
});

describe('of UDP', () => {
  test('a connected socket is told as a connection without bytes', async () => {
    const fd = await client.socket('udp4');
    await client.connect(fd, ACCEPTS[0], 80);
    await sleep(50);
    await client.closeSocket(fd);
    const events = await told(2);
    expect(events.map(shape)).toEqual([
      { ...about('accepts', ACCEPTS[0], 7001, 'UDP'), outcome: 'established', connect: false, duration: false },
      { ...about('accepts', ACCEPTS[0], 7001, 'UDP'), outcome: 'closed', connect: false, duration: true },
    ]);
    expect(events[1]?.durationMs).toBeGreaterThanOrEqual(49);
  });

  test('one that turns to another Service has ended for the first, and its time begins anew', async () => {
    const fd = await client.socket('udp4');
    await client.connect(fd, ACCEPTS[0], 80);
    await sleep(300);
    await client.connect(fd, CLOSED[0], 80);
    await client.closeSocket(fd);
    const events = await told(4);
    expect(events.map(({ outcome, service: name }) => `${name} ${outcome}`)).toEqual([
      'shop/accepts established',
      'shop/accepts closed',
      'shop/closed established',
      'shop/closed closed',
    ]);
    expect(events[1]?.durationMs).toBeGreaterThanOrEqual(299);
    expect(events[3]?.durationMs).toBeLessThan(250);
  });

  test('datagrams are told only when they are refused', async () => {
    const fd = await client.socket('udp4');
    expect(await client.sendto(fd, EMPTY[0], 80, 'x')).toEqual({ error: 'ECONNREFUSED' });
    expect(await client.sendto(fd, ACCEPTS[0], 80, 'x')).toEqual({ ok: true });
    await client.closeSocket(fd);
    expect((await told(1)).map(shape)).toEqual([
      {
        ...about('empty', EMPTY[0], undefined, 'UDP'),
        outcome: 'rejected_no_endpoint',
        connect: false,
        duration: false,
      },
    ]);
  });
});

test('of a connection that is older than the watch the end is told, without the times that nobody noted', async () => {
  await log[Symbol.asyncDispose]();
  const ends = await bothEnds(ACCEPTS[0]);
  log = new EventLog(stage.agent.agent);
  await client.closeSocket(ends.here);
  await server.closeSocket(ends.there);
  expect((await told(1)).map(shape)).toEqual([
    {
      ...about('accepts', ACCEPTS[0], 7001),
      outcome: 'closed',
      connect: false,
      duration: false,
      bytesSent: 0,
      bytesReceived: 0,
    },
  ]);
});

test('while nobody watches the kernel tells nothing', async () => {
  await log[Symbol.asyncDispose]();
  const before = stage.agent.dataplane.events.counts();
  const ends = await bothEnds(ACCEPTS[0]);
  await client.closeSocket(ends.here);
  await server.closeSocket(ends.there);
  await retryUntil(() => allEnded(stage.agent));
  expect(stage.agent.dataplane.events.counts()).toEqual(before);
});

test('events go on while the tables grow', async () => {
  const before = stage.agent.dataplane.tables.capacity.services;
  const many = Array.from({ length: before }, (_, index) =>
    service({ name: `more-${index}`, clusterIPs: [`10.97.${index >> 8}.${index & 255}`], ports: PORTS }),
  );
  await stage.agent.put(...many);
  expect(stage.agent.dataplane.tables.capacity.services).toBeGreaterThan(before);
  const fd = await client.socket('tcp4');
  await client.connect(fd, EMPTY[0], 80);
  await client.closeSocket(fd);
  expect((await told(1)).map(({ outcome }) => outcome)).toEqual(['rejected_no_endpoint']);
});
