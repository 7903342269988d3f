import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { counted, expectEqualTotals, serviceStats } from '../helpers/counted.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceAt, serviceWith } from '../helpers/stage.ts';
import { inForm, TCP_WAYS } from '../helpers/ways.ts';

/** A connection that is never established is counted once, with the reason. */

const SILENT = ['10.96.0.1', 'fd00:10:96::1'] as const;
const CLOSED = ['10.96.0.2', 'fd00:10:96::2'] as const;
const ROUTELESS = ['10.96.0.3', 'fd00:10:96::3'] as const;
const ABSENT = ['10.96.0.4', 'fd00:10:96::4'] as const;

/**
 * `silent` never answers a SYN; `closed` has no port open; no route leads to the endpoint of `routeless`, and that of
 * `absent` is not on the network.
 */
let stage: Stage<'client' | 'v1'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'failures',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [
      ...serviceWith('silent', SILENT, [v1], { port: 7001 }),
      ...serviceWith('closed', CLOSED, [v1], { port: 1 }),
      ...serviceAt('routeless', ROUTELESS, ['192.0.2.1', '2001:db8::1']),
      ...serviceAt('absent', ABSENT, ['10.244.77.77', 'fd00:10:244:77::77']),
    ],
  });
  client = stage.actors.client.shell;
  await stage.actors.v1.shell.serve('tcp', '*', 7001, 'silent', 'full');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

afterEach(() => expectEqualTotals(stage.agent));

describe.each(TCP_WAYS)('a connection that is never established, $way,', ({ kind, form }) => {
  test.each([
    { how: 'refused by the endpoint', name: 'closed', to: CLOSED, error: 'ECONNREFUSED', counts: { refused: 1 } },
    { how: 'without a route', name: 'routeless', to: ROUTELESS, error: 'EHOSTUNREACH', counts: { unreachable: 1 } },
  ])('is counted as $how', async ({ name, to, error, counts }) => {
    const seen = await counted(stage.agent, `shop/${name}/tcp/TCP`, async () => {
      const fd = await client.socket(kind);
      expect(await client.connect(fd, inForm(to, form), 80)).toEqual({ error });
      await client.closeSocket(fd);
    });
    expect(seen).toEqual({ attempts: 1, ...counts });
  });

  test('is counted as abandoned when the client closes it, in one of these ways', async () => {
    for (const leave of ['closeSocket', 'reset', 'connectUnspec'] as const) {
      const seen = await counted(stage.agent, 'shop/silent/tcp/TCP', async () => {
        const fd = await client.socket(kind, { nonblock: true });
        expect(await client.connect(fd, inForm(SILENT, form), 80)).toEqual({ error: 'EINPROGRESS' });
        expect(serviceStats(stage.agent, 'shop/silent/tcp/TCP')).toMatchObject({ pending: 1, active: 0 });
        expect(await client[leave](fd)).toEqual({ ok: true });
        await client.closeSocket(fd);
      });
      expect(seen, leave).toEqual({ attempts: 1, abandoned: 1 });
    }
  });

  test('is counted as abandoned when the client is killed', async () => {
    const seen = await counted(stage.agent, 'shop/silent/tcp/TCP', async () => {
      const doomed = await openShell(stage.actors.client.pod);
      const fd = await doomed.socket(kind, { nonblock: true });
      await doomed.connect(fd, inForm(SILENT, form), 80);
      await doomed.kill();
    });
    expect(seen).toEqual({ attempts: 1, abandoned: 1 });
  });

  test('is counted as abandoned when a connect that blocks is given up', async () => {
    const seen = await counted(stage.agent, 'shop/silent/tcp/TCP', async () => {
      const fd = await client.socket(kind);
      expect(await client.connect(fd, inForm(SILENT, form), 80, 50)).toEqual({ error: 'TIMEOUT' });
      await client.closeSocket(fd);
    });
    expect(seen).toEqual({ attempts: 1, abandoned: 1 });
  });
});

test('connections that nobody answers are counted as timed out, or unreachable if the network says so', async () => {
  const rows = TCP_WAYS.flatMap(({ kind, form }) => [
    { kind, to: inForm(SILENT, form), attempts: 1, error: 'ETIMEDOUT' },
    { kind, to: inForm(ABSENT, form), attempts: 6, error: 'EHOSTUNREACH' },
  ]);
  const before = [serviceStats(stage.agent, 'shop/silent/tcp/TCP'), serviceStats(stage.agent, 'shop/absent/tcp/TCP')];
  const fds: number[] = [];
  for (const { kind, to, attempts } of rows) {
    const fd = await client.socket(kind, { nonblock: true });
    await client.setsockopt(fd, 'tcp_syncnt', attempts);
    await client.connect(fd, to, 80);
    fds.push(fd);
  }
  for (const [index, fd] of fds.entries()) {
    await retryUntil(async () => (await client.poll(fd, 'out', 0)).includes('err'), { timeoutMs: 20_000 });
    expect(await client.getsockopt(fd, 'so_error')).toEqual({ error: rows[index]?.error });
    await client.closeSocket(fd);
  }
  const after = [serviceStats(stage.agent, 'shop/silent/tcp/TCP'), serviceStats(stage.agent, 'shop/absent/tcp/TCP')];
  expect(after[0]!.timedOut - before[0]!.timedOut).toBe(TCP_WAYS.length);
  expect(after[1]!.unreachable - before[1]!.unreachable).toBe(TCP_WAYS.length);
});

test('a failed connection is in no bucket', async () => {
  const before = serviceStats(stage.agent, 'shop/closed/tcp/TCP');
  await client.hammer('tcp', CLOSED[0], 80, { count: 5 });
  const after = serviceStats(stage.agent, 'shop/closed/tcp/TCP');
  expect(after.refused - before.refused).toBe(5);
  expect([after.connectLatency, after.connectNs]).toEqual([before.connectLatency, before.connectNs]);
});
