import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { backend, endpoint, parent, policy, referenceGrant, route, service, slice } from '../helpers/objects.ts';
import type { HammerKind } from '../helpers/socket-shell.ts';
import { PORTS, SERVER_PORT } from '../helpers/stage.ts';
import { expectShares, openTraffic, type SharesByName, sharesOf, type Traffic } from '../helpers/traffic.ts';

/** Routes of the Gateway API with a Service as parent: shares of its connections, through a whole agent. */

const SERVERS = ['v1', 'v2', 'v3'] as const;
type Server = (typeof SERVERS)[number];
const WEB = '10.96.0.1';
const V2 = '10.96.0.2';
const NEXT = '10.96.0.3';

let traffic: Traffic<'client' | Server>;

beforeAll(async () => {
  traffic = await openTraffic('routes', { clients: ['client'], servers: SERVERS });
  traffic.objects.write('services', ...services());
  await traffic.startAgent();
});

afterAll(() => traffic?.[Symbol.asyncDispose]());

const addressOf = (name: Server): string => traffic.actors[name].pod.address4;

const named = (name: string, namespace: string, clusterIP: string, servers: readonly Server[]): ClusterObject[] => [
  service({ name, namespace, clusterIPs: [clusterIP], ports: PORTS }),
  slice(
    servers.map((server) => endpoint(addressOf(server), { pod: server })),
    { name: `${name}-1`, namespace, service: name, ports: PORTS.map((port) => ({ ...port, port: SERVER_PORT })) },
  ),
];

/** `web` is answered by v1, `web-v2` by v2 and v3, `next/web` by v3. */
const services = (): readonly ClusterObject[] => [
  ...named('web', 'shop', WEB, ['v1']),
  ...named('web-v2', 'shop', V2, ['v2', 'v3']),
  ...named('web', 'next', NEXT, ['v3']),
];

interface Row {
  readonly what: string;
  readonly objects: readonly ClusterObject[];
  readonly shares: SharesByName;
  readonly kind?: HammerKind;
  readonly count?: number;
}

const split = (own: number, other: number, fields: Parameters<typeof route>[0] = {}): ClusterObject =>
  route({ backends: [backend('web', { weight: own }), backend('web-v2', { weight: other })], ...fields });

const rows: readonly Row[] = [
  {
    what: 'a TCPRoute splits 30 to 70',
    objects: [split(30, 70)],
    shares: { v1: 0.3, v2: 0.35, v3: 0.35 },
    count: 20_000,
  },
  { what: 'a canary of 5 percent', objects: [split(95, 5)], shares: { v1: 0.95, v2: 0.025, v3: 0.025 } },
  { what: 'weights up to a million', objects: [split(1_000_000, 250_000)], shares: { v1: 0.8, v2: 0.1, v3: 0.1 } },
  {
    what: 'a UDPRoute shares datagrams of connected sockets, and leaves TCP alone',
    objects: [split(1, 3, { kind: 'UDPRoute' })],
    shares: { v1: 0.25, v2: 0.375, v3: 0.375 },
    kind: 'udp',
  },
  {
    what: 'a UDPRoute shares datagrams of sockets that are not connected',
    objects: [split(1, 3, { kind: 'UDPRoute' })],
    shares: { v1: 0.25, v2: 0.375, v3: 0.375 },
    kind: 'udp-unconnected',
  },
  {
    what: 'a UDPRoute is nothing to TCP',
    objects: [split(1, 3, { kind: 'UDPRoute' })],
    shares: { v1: 1 },
  },
  {
    what: 'an HTTPRoute without a match shares connections',
    objects: [split(1, 1, { kind: 'HTTPRoute' })],
    shares: { v1: 0.5, v2: 0.25, v3: 0.25 },
  },
  {
    what: 'an HTTPRoute that asks for more than layer 4 can do has no part of it done',
    objects: [split(1, 1, { kind: 'HTTPRoute', unsupported: 'hostnames' })],
    shares: { v1: 1 },
  },
  {
    what: 'the share of a Service that is not there is refused and goes to nobody else',
    objects: [route({ backends: [backend('web', { weight: 3 }), backend('gone', { weight: 1 })] })],
    shares: { v1: 0.75, ECONNREFUSED: 0.25 },
  },
  {
    what: 'the same, of datagrams',
    objects: [route({ kind: 'UDPRoute', backends: [backend('web', { weight: 3 }), backend('gone')] })],
    shares: { v1: 0.75, ECONNREFUSED: 0.25 },
    kind: 'udp-unconnected',
  },
  {
    what: 'the share of a Service of another namespace that permits nobody is refused',
    objects: [route({ backends: [backend('web'), backend('web', { namespace: 'next' })] })],
    shares: { v1: 0.5, ECONNREFUSED: 0.5 },
  },
  {
    what: 'a ReferenceGrant permits it',
    objects: [route({ backends: [backend('web'), backend('web', { namespace: 'next' })] }), referenceGrant()],
    shares: { v1: 0.5, v3: 0.5 },
  },
  { what: 'weights that are all 0 refuse everybody', objects: [split(0, 0)], shares: { ECONNREFUSED: 1 } },
  { what: 'a weight of 0 gets nothing', objects: [split(0, 1)], shares: { v2: 0.5, v3: 0.5 } },
  {
    what: 'weights of endpoints count within the share of their Service',
    objects: [split(1, 1), policy([{ pod: 'v2', weight: 3 }], { services: ['web-v2'] })],
    shares: { v1: 0.5, v2: 0.375, v3: 0.125 },
  },
  {
    what: 'a route of a backend is not followed: only the first counts',
    objects: [
      split(1, 1),
      route({ name: 'second', parents: [parent({ name: 'web-v2' })], backends: [backend('web')] }),
    ],
    shares: { v1: 0.5, v2: 0.25, v3: 0.25 },
  },
  {
    what: 'a parent of another port is another matter',
    objects: [split(1, 1, { parents: [parent({ port: 81 })] })],
    shares: { v1: 1 },
  },
  {
    what: 'the older of two routes counts',
    objects: [
      split(1, 0, { name: 'a-younger', createdAtMs: 2000 }),
      split(0, 1, { name: 'b-older', createdAtMs: 1000 }),
    ],
    shares: { v2: 0.5, v3: 0.5 },
  },
];

describe.each(rows)('$what', ({ objects, shares, kind = 'tcp', count = 2000 }) => {
  afterEach(() => traffic.remove('routes'));

  test('as explain tells, as the tables hold and as sockets meet', async () => {
    await traffic.put('routes', ...objects);
    const told = sharesOf(await traffic.explain(WEB, { kind }));
    expect(rounded(told)).toEqual(rounded(shares));
    await expectShares(traffic.actors.client.shell, WEB, told, { kind, count });
  });
});

test('once a route is gone its Service is answered by its own endpoints', async () => {
  await traffic.put('routes', split(0, 1));
  await expectShares(traffic.actors.client.shell, WEB, { v2: 0.5, v3: 0.5 });
  await traffic.remove('routes');
  await expectShares(traffic.actors.client.shell, WEB, { v1: 1 });
});

test('a refused share is counted at the Service that was asked', async () => {
  await traffic.put('routes', route({ backends: [backend('web'), backend('gone')] }));
  const before = (await traffic.service('shop/web/tcp/TCP')).stats.rejected;
  const { errors } = await traffic.actors.client.shell.hammer('tcp', WEB, 80, { count: 100, reset: true });
  expect((await traffic.service('shop/web/tcp/TCP')).stats.rejected - before).toBe(errors.ECONNREFUSED);
  await traffic.remove('routes');
});

test('what other Services answer is not touched by a route', async () => {
  await traffic.put('routes', split(1, 1));
  await expectShares(traffic.actors.client.shell, V2, { v2: 0.5, v3: 0.5 });
  await expectShares(traffic.actors.client.shell, NEXT, { v3: 1 });
  await traffic.remove('routes');
});

const rounded = (shares: SharesByName): SharesByName =>
  Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, Number(share.toFixed(6))]));
