import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allEnded, counted, countersOf, expectEqualTotals, serviceStats, totals } from '../helpers/counted.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, TCP_WAYS, UDP_WAYS } from '../helpers/ways.ts';

/** What is counted while connections go on: their number, their bytes, their latency, and for whom. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const TCP = 'shop/web/tcp/TCP';
const UDP = 'shop/web/udp/UDP';
const GREETING = 'v1\n'.length;
const OVER = { attempts: 1, established: 1, closed: 1 } as const;

/** `web` is v1, which says its name and echoes. */
let stage: Stage<'client' | 'v1'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'counters',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => serviceWith('web', WEB, [v1]),
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

afterEach(() => expectEqualTotals(stage.agent));

describe.each(TCP_WAYS)('bytes, $way,', ({ kind, form }) => {
  test.each([0, 1, 2, 1447, 1448, 1449, 65_535, 65_536, 1_000_003, 5_000_000])(
    'are counted exactly: %i',
    async (size) => {
      const seen = await counted(stage.agent, TCP, async () => {
        const fd = await client.socket(kind);
        await client.connect(fd, inForm(WEB, form), 80);
        expect(await client.recv(fd)).toEqual({ text: 'v1\n' });
        expect(await client.exchange(fd, size)).toEqual({ sent: size, received: size });
        await client.closeSocket(fd);
      });
      const { bytesSent = 0, bytesReceived = 0, ...others } = seen;
      expect({ bytesSent, bytesReceived }).toEqual({ bytesSent: size, bytesReceived: size + GREETING });
      expect(others).toEqual(OVER);
    },
  );
});

test('data in the SYN of TCP Fast Open is counted as what it is', async () => {
  const seen = await counted(stage.agent, TCP, async () => {
    const fd = await client.socket('tcp4');
    await client.fastOpen(fd, WEB[0], 80, 'early');
    let received = 0;
    while (received < GREETING + 'early'.length)
      received += ((await client.recv(fd)) as { readonly text: string }).text.length;
    await client.closeSocket(fd);
  });
  expect(seen).toEqual({ ...OVER, bytesSent: 'early'.length, bytesReceived: GREETING + 'early'.length });
});

test('each established TCP connection is in one bucket of the latency histogram, and in its sum', async () => {
  const before = serviceStats(stage.agent, TCP);
  const { slowestMicros } = await client.hammer('tcp', WEB[0], 80, { count: 200 });
  await retryUntil(() => allEnded(stage.agent));
  const after = serviceStats(stage.agent, TCP);
  const buckets = after.connectLatency.map((count, bucket) => count - (before.connectLatency[bucket] ?? 0));
  expect(buckets.reduce((sum, count) => sum + count, 0)).toBe(200);
  const sumMicros = (after.connectNs - before.connectNs) / 1000;
  const bounds = buckets.map((count, bucket) => ({
    count,
    least: bucket === 0 ? 0 : 2 ** (bucket - 1),
    most: 2 ** bucket,
  }));
  expect(sumMicros).toBeGreaterThanOrEqual(bounds.reduce((sum, { count, least }) => sum + count * least, 0));
  expect(sumMicros).toBeLessThanOrEqual(bounds.reduce((sum, { count, most }) => sum + count * most, 0));
  expect(sumMicros / 200).toBeLessThanOrEqual(slowestMicros);
});

test.each(UDP_WAYS)(
  'a connected $kind socket ($form) counts as established until it is closed or killed',
  async (row) => {
    const address = inForm(WEB, row.form);
    const seen = await counted(stage.agent, UDP, async () => {
      const fd = await client.socket(row.kind);
      await client.connect(fd, address, 80);
      expect(serviceStats(stage.agent, UDP)).toMatchObject({ active: 1, pending: 0 });
      await client.closeSocket(fd);
      const doomed = await openShell(stage.actors.client.pod);
      await doomed.connect(await doomed.socket(row.kind), address, 80);
      await doomed.kill();
    });
    expect(seen).toEqual({ attempts: 2, established: 2, closed: 2 });
  },
);

test('connections of several threads are counted to the last one', async () => {
  const seen = await counted(stage.agent, TCP, () => client.hammer('tcp', WEB[1], 80, { count: 2000, threads: 4 }));
  expect(seen).toMatchObject({ attempts: 2000, established: 2000, closed: 2000 });
  const dgrams = await counted(stage.agent, UDP, () => client.hammer('udp', WEB[1], 80, { count: 2000, threads: 4 }));
  expect(dgrams).toEqual({ attempts: 2000, established: 2000, closed: 2000 });
});

describe('a connection that outlives its endpoint', () => {
  test('counts neither for the endpoint nor for the Service that come to lie in the same place', async () => {
    const { v1 } = stage.actors;
    const { used } = stage.agent.agent.status();
    const old = serviceWith('old', ['10.96.0.20'], [v1]);
    await stage.agent.put(...old);
    const fd = await client.socket('tcp4');
    expect(await client.connect(fd, '10.96.0.20', 80)).toEqual({ ok: true });
    expect(await client.recv(fd)).toEqual({ text: 'v1\n' });
    await stage.agent.remove(...old);
    // Places are free after a grace period, and the last ones freed are the first to be given again.
    await retryUntil(() => isDeepStrictEqual(stage.agent.agent.status().used, used));
    const names = ['first', 'second', 'third'];
    const heirs = names.flatMap((name, index) => serviceWith(name, [`10.96.0.${21 + index}`], [v1]));
    await stage.agent.put(...heirs);
    expect(await client.exchange(fd, 1000)).toEqual({ sent: 1000, received: 1000 });
    expect(await client.getpeername(fd)).toEqual({ address: '10.96.0.20', port: 80 });
    await client.closeSocket(fd);
    await retryUntil(() => stage.agent.agent.status().connections.used === 0);
    const { services, backends } = totals(stage.agent);
    const ids = Object.keys(services).filter((id) => names.some((name) => id.startsWith(`shop/${name}/`)));
    expect(ids).toHaveLength(2 * names.length);
    for (const id of ids) expect([id, services[id], backends[id]]).toEqual([id, {}, {}]);
    await stage.agent.remove(...heirs);
  });

  test('is still counted for its Service when only the endpoint has gone', async () => {
    const { v1 } = stage.actors;
    await stage.agent.put(...serviceWith('keeps', ['10.96.0.30'], [v1]));
    const fd = await client.socket('tcp4');
    await client.connect(fd, '10.96.0.30', 80);
    await client.recv(fd);
    await stage.agent.put(...slicesOf('keeps', []));
    await client.closeSocket(fd);
    await retryUntil(() => allEnded(stage.agent));
    expect(countersOf(serviceStats(stage.agent, 'shop/keeps/tcp/TCP'))).toEqual({ ...OVER, bytesReceived: GREETING });
    await stage.agent.remove(...serviceWith('keeps', [], []));
  });
});
