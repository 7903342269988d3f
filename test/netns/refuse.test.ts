import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { counted, serviceStats } from '../helpers/counted.ts';
import { endpoint, NOT_READY, service, slice } from '../helpers/objects.ts';
import type { HammerKind, SocketShell } from '../helpers/socket-shell.ts';
import { openStage, PORTS, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, UDP_WAYS, WAYS } from '../helpers/ways.ts';

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const EMPTY = ['10.96.0.2', 'fd00:10:96::2'] as const;
const NOBODY_READY = ['10.96.0.3', 'fd00:10:96::3'] as const;
const NO_SERVICE = ['10.96.0.99', 'fd00:10:96::99'] as const;

const AT_ONCE_MICROS = 100_000;

/** `web` is v1; `empty` has no endpoints at all, `nobody-ready` none that is ready. */
let stage: Stage<'client' | 'v1'>;
let client: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'refuse',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [
      ...serviceWith('web', WEB, [v1]),
      service({ name: 'empty', clusterIPs: EMPTY, ports: PORTS }),
      service({ name: 'nobody-ready', clusterIPs: NOBODY_READY, ports: PORTS }),
      slice([endpoint(v1.pod.address4, NOT_READY)], { name: 'n-4', service: 'nobody-ready', ports: PORTS }),
      slice([endpoint(v1.pod.address6, NOT_READY)], { name: 'n-6', service: 'nobody-ready', ports: PORTS, family: 6 }),
    ],
  });
  client = stage.actors.client.shell;
});

afterAll(() => stage?.[Symbol.asyncDispose]());

describe.each([
  { which: 'without endpoints', addresses: EMPTY, id: 'shop/empty' },
  { which: 'without an endpoint that is ready', addresses: NOBODY_READY, id: 'shop/nobody-ready' },
])('a Service $which', ({ addresses, id }) => {
  test.each(WAYS)('refuses $way at once, and counts it', async ({ kind, form }) => {
    const port = kind.startsWith('tcp') ? `${id}/tcp/TCP` : `${id}/udp/UDP`;
    const before = stage.agent.agent.verdicts();
    const address = inForm(addresses, form);
    const counts = await counted(stage.agent, port, async () => {
      const { total, errors, slowestMicros } = await client.hammer(kind.slice(0, 3) as HammerKind, address, 80, {
        count: 20,
      });
      expect({ total, errors }).toEqual({ total: 20, errors: { ECONNREFUSED: 20 } });
      expect(slowestMicros).toBeLessThan(AT_ONCE_MICROS);
    });
    expect(counts).toEqual({ rejected: 20 });
    expect(growth(before)).toEqual({ refused_no_endpoint: 20 });
  });

  test.each(WAYS)('refuses $way of a socket that does not block, in the call itself', async ({ kind, form }) => {
    const fd = await client.socket(kind, { nonblock: true });
    expect(await client.connect(fd, inForm(addresses, form), 80)).toEqual({ error: 'ECONNREFUSED' });
    expect(await client.getpeername(fd)).toEqual({ error: 'ENOTCONN' });
    await client.closeSocket(fd);
  });

  test.each(UDP_WAYS)('refuses datagrams of a socket that is not connected, $kind to $form', async ({ kind, form }) => {
    const address = inForm(addresses, form);
    const before = stage.agent.agent.verdicts();
    const fd = await client.socket(kind);
    const rejected = await counted(stage.agent, `${id}/udp/UDP`, async () => {
      expect(await client.sendto(fd, address, 80, 'x')).toEqual({ error: 'ECONNREFUSED' });
      expect(await client.sendmsg(fd, 'x', { address, port: 80 })).toEqual({ error: 'ECONNREFUSED' });
    });
    expect(rejected).toEqual({ rejected: 2 });
    expect(growth(before)).toEqual({ dropped_no_endpoint: 2 });
    expect(await client.sendto(fd, inForm(WEB, form), 80, 'x')).toEqual({ ok: true });
    expect(await client.recv(fd)).toEqual({ text: 'v1 x' });
    await client.closeSocket(fd);
  });

  test.each(['tcp', 'udp', 'udp-unconnected'] as const)('sends no packet for %s that it refuses', async (kind) => {
    await using capture = await watch(addresses);
    await client.whoAnswers(kind, addresses[0], 80);
    await client.whoAnswers(kind, addresses[1], 80);
    expect(await capture.matching()).toBe(0);
  });
});

test('a Service whose last endpoint goes refuses from then on, and answers again when one comes back', async () => {
  const { v1 } = stage.actors;
  await stage.agent.put(...serviceWith('going', ['10.96.0.5', 'fd00:10:96::5'], []));
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await client.whoAnswers('tcp', '10.96.0.5', 80)).toBe('ECONNREFUSED');
    await stage.agent.put(...serviceWith('going', ['10.96.0.5', 'fd00:10:96::5'], [v1]));
    expect(await client.whoAnswers('tcp', '10.96.0.5', 80)).toBe('v1');
    await stage.agent.put(...serviceWith('going', ['10.96.0.5', 'fd00:10:96::5'], []));
  }
});

test('a Service with endpoints of one family only refuses in the other', async () => {
  await stage.agent.put(
    service({ name: 'lopsided', clusterIPs: ['10.96.0.6', 'fd00:10:96::6'], ports: PORTS }),
    slicesOf('lopsided', [stage.actors.v1])[1],
  );
  expect(await client.whoAnswers('tcp', 'fd00:10:96::6', 80)).toBe('v1');
  expect(await client.whoAnswers('tcp', '10.96.0.6', 80)).toBe('ECONNREFUSED');
  expect(await client.whoAnswers('tcp', '::ffff:10.96.0.6', 80)).toBe('ECONNREFUSED');
});

test('a connection that is answered is seen by the same capture, under the address of the endpoint', async () => {
  await using capture = await watch([stage.actors.v1.pod.address4]);
  expect(await client.whoAnswers('tcp', WEB[0], 80)).toBe('v1');
  expect(await capture.matching()).toBeGreaterThan(0);
});

describe('an address of the Service network that is no Service', () => {
  test.each(WAYS)('is left alone by $way: the route says no', async ({ kind, form }) => {
    const before = stage.agent.agent.verdicts();
    const fd = await client.socket(kind);
    expect(await client.connect(fd, inForm(NO_SERVICE, form), 80)).toEqual({ error: 'EHOSTUNREACH' });
    await client.closeSocket(fd);
    expect(growth(before)).toEqual({});
  });

  test('sends no packet', async () => {
    await using capture = await watch(NO_SERVICE);
    for (const kind of KINDS)
      for (const address of NO_SERVICE) expect(await client.whoAnswers(kind, address, 80)).toMatch(/EHOSTUNREACH$/);
    expect(await capture.matching()).toBe(0);
  });
});

describe('a port that its Service does not have', () => {
  test.each(WAYS)('is refused at once by $way', async ({ kind, form }) => {
    const before = stage.agent.agent.verdicts();
    const { rejectedNoPort } = serviceStats(stage.agent, 'shop/web/tcp/TCP');
    const fd = await client.socket(kind);
    const rejected = await counted(stage.agent, 'shop/web/tcp/TCP', async () => {
      expect(await client.connect(fd, inForm(WEB, form), 81)).toEqual({ error: 'ECONNREFUSED' });
    });
    await client.closeSocket(fd);
    expect(serviceStats(stage.agent, 'shop/web/tcp/TCP').rejectedNoPort).toBe(rejectedNoPort + 1);
    // The first port of the Service counts for all that it does not have.
    expect(rejected).toEqual({ rejected: 1 });
    expect(growth(before)).toEqual({ refused_no_port: 1 });
  });

  test.each(UDP_WAYS)(
    'is refused to datagrams of a socket that is not connected, $kind to $form',
    async ({ kind, form }) => {
      const before = stage.agent.agent.verdicts();
      const fd = await client.socket(kind);
      expect(await client.sendto(fd, inForm(WEB, form), 81, 'x')).toEqual({ error: 'ECONNREFUSED' });
      expect(await client.sendmsg(fd, 'x', { address: inForm(WEB, form), port: 81 })).toEqual({
        error: 'ECONNREFUSED',
      });
      await client.closeSocket(fd);
      expect(growth(before)).toEqual({ dropped_no_port: 2 });
    },
  );

  test('sends no packet', async () => {
    await using capture = await watch(WEB);
    for (const kind of KINDS)
      for (const address of WEB) expect(await client.whoAnswers(kind, address, 81)).toMatch(/ECONNREFUSED$/);
    expect(await capture.matching()).toBe(0);
  });
});

const KINDS = ['tcp', 'udp', 'udp-unconnected'] as const;

test('a port of a Service is one of its protocol only', async () => {
  const tcpOnly = service({ name: 'tcp-only', clusterIPs: ['10.96.0.7'], ports: [PORTS[0]!] });
  await stage.agent.put(tcpOnly, slicesOf('tcp-only', [stage.actors.v1])[0]);
  expect(await client.whoAnswers('tcp', '10.96.0.7', 80)).toBe('v1');
  expect(await client.whoAnswers('udp', '10.96.0.7', 80)).toBe('ECONNREFUSED');
  expect(await client.whoAnswers('udp-unconnected', '10.96.0.7', 80)).toBe('send ECONNREFUSED');
});

/** Watches the client's pod for packets from or to these addresses: a capture for each, since a count empties it. */
const watch = async (addresses: readonly string[]) => {
  const captures = await Promise.all(addresses.map(async (address) => ({ address, capture: await client.capture() })));
  return {
    matching: async (): Promise<number> => {
      const counts = await Promise.all(captures.map(({ address, capture }) => capture.count(address)));
      return counts.reduce((sum, { matching, lost }) => sum + matching + lost, 0);
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const { capture } of captures) await capture.stop();
    },
  };
};

/** What the verdict counters grew by since then. */
const growth = (before: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(stage.agent.agent.verdicts())
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  );
