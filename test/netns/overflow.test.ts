import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allEnded, counted, serviceStats, totals } from '../helpers/counted.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, SERVER_PORT, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, serverOf, WAYS } from '../helpers/ways.ts';

/** The table of connections has four places here. Whoever finds none is remembered with its socket, and nothing differs. */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const OTHER = ['10.96.0.2', 'fd00:10:96::2'] as const;
const PLACES = 4;
const SOCKETS = 40;

let stage: Stage<'client' | 'v1' | 'v2'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'overflow',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: ({ v1, v2 }) => [...serviceWith('web', WEB, [v1]), ...serviceWith('other', OTHER, [v2])],
    agent: { connections: PLACES },
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

describe.each(WAYS)('with the table full, $way', ({ kind, form }) => {
  const id = kind.startsWith('tcp') ? 'shop/web/tcp/TCP' : 'shop/web/udp/UDP';
  const address = inForm(WEB, form);

  /** Opens more sockets than there are places, lets `work` have them, and closes them. */
  const withSockets = (work: (fds: readonly number[]) => Promise<void>) =>
    counted(stage.agent, id, async () => {
      const before = overflowed();
      const fds: number[] = [];
      for (let index = 0; index < SOCKETS; index += 1) {
        const fd = await client.socket(kind);
        expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
        fds.push(fd);
      }
      expect(stage.agent.agent.status().connections).toEqual({ used: PLACES, size: PLACES });
      expect(overflowed() - before).toBe(SOCKETS - PLACES);
      expect(serviceStats(stage.agent, id).active).toBe(SOCKETS);
      await work(fds);
      for (const fd of fds) await client.closeSocket(fd);
    });

  test('shows the Service as its peer and is counted when it ends', async () => {
    const counts = await withSockets(async (fds) => {
      for (const fd of fds) {
        expect(await client.getpeername(fd)).toEqual({ address, port: 80 });
        expect(await serverOf(client, fd, kind)).toBe('v1');
      }
    });
    expect(counts).toMatchObject({ attempts: SOCKETS, established: SOCKETS, closed: SOCKETS });
    expect(counts.bytesReceived).toBe(kind.startsWith('tcp') ? SOCKETS * 'v1\n'.length : undefined);
    const { services, backends } = totals(stage.agent);
    expect(backends[id]).toEqual(services[id]);
  });

  test('dissolves and connects again, elsewhere and back', async () => {
    const { address4, address6 } = stage.actors.v1.pod;
    const direct = inForm([address4, address6], form);
    const counts = await withSockets(async (fds) => {
      for (const fd of fds) {
        await client.connectUnspec(fd);
        expect(await client.connect(fd, inForm(OTHER, form), 80)).toEqual({ ok: true });
        expect(await client.getpeername(fd)).toEqual({ address: inForm(OTHER, form), port: 80 });
        await client.connectUnspec(fd);
        expect(await client.connect(fd, direct, SERVER_PORT)).toEqual({ ok: true });
        expect(await client.getpeername(fd)).toEqual({ address: direct, port: SERVER_PORT });
        await client.connectUnspec(fd);
        expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
        expect(await client.getpeername(fd)).toEqual({ address, port: 80 });
      }
    });
    expect(counts).toMatchObject({ attempts: 2 * SOCKETS, established: 2 * SOCKETS, closed: 2 * SOCKETS });
  });

  test('fails as it should, and then connects', async () => {
    await withSockets(async () => {
      await stage.agent.put(...slicesOf('other', []));
      for (let index = 0; index < SOCKETS; index += 1) {
        const fd = await client.socket(kind);
        expect(await client.connect(fd, inForm(OTHER, form), 80)).toEqual({ error: 'ECONNREFUSED' });
        expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
        await client.closeSocket(fd);
      }
      await stage.agent.put(...slicesOf('other', [stage.actors.v2]));
    });
    await retryUntil(() => allEnded(stage.agent));
  });

  test('ends with its process, also by kill -9', async () => {
    const counts = await counted(stage.agent, id, async () => {
      const doomed = await openShell(stage.actors.client.pod);
      for (let index = 0; index < SOCKETS; index += 1)
        expect(await doomed.connect(await doomed.socket(kind), address, 80)).toEqual({ ok: true });
      await doomed.kill();
    });
    expect(counts).toMatchObject({ attempts: SOCKETS, established: SOCKETS, closed: SOCKETS });
  });
});

test('places serve again as they come free: thousands of connections, none of them lost', async () => {
  for (const [kind, id] of [
    ['tcp', 'shop/web/tcp/TCP'],
    ['udp', 'shop/web/udp/UDP'],
  ] as const) {
    const seen = await counted(stage.agent, id, async () => {
      const { by } = await client.hammer(kind, WEB[0], 80, { count: 3000, threads: 8 });
      expect(by).toEqual({ v1: 3000 });
    });
    expect(seen).toMatchObject({ attempts: 3000, established: 3000, closed: 3000 });
  }
  expect(stage.agent.agent.verdicts().unremembered).toBe(0);
});

const overflowed = (): number => stage.agent.agent.verdicts().overflowed ?? 0;
