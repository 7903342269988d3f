import { describe, expect, test } from 'vitest';
import { aliveEndpoints, aliveKey } from '../../../../src/core/desire/alive.ts';
import type { EndpointSliceObject, ServiceObject } from '../../../../src/core/model/objects.ts';
import {
  endpoint,
  GONE_SILENT,
  NOT_READY,
  SERVES_WHILE_TERMINATING,
  service,
  slice,
} from '../../../helpers/objects.ts';
import { type RouteFields, route } from '../../../helpers/route-objects.ts';

const DNS = { name: 'dns', protocol: 'UDP', port: 53 } as const;
const DNS_TCP = { name: 'dns', protocol: 'TCP', port: 53 } as const;
const A = '10.1.0.1';
const B = '10.1.0.2';
const V6 = 'fd00::1';

const listed = (...endpoints: Parameters<typeof slice>[0]): EndpointSliceObject => slice(endpoints, { ports: [DNS] });

interface Row {
  readonly title: string;
  readonly slices: readonly EndpointSliceObject[];
  readonly alive: boolean;
  readonly of?: Partial<ServiceObject>;
  readonly address?: string;
}

/** All are about port `dns` over UDP and an endpoint that listens on 10.1.0.1:53. */
const ROWS: readonly Row[] = [
  { title: 'is ready', slices: [listed(endpoint(A))], alive: true },
  { title: 'is listed nowhere', slices: [], alive: false },
  { title: 'is another one', slices: [listed(endpoint(B))], alive: false },
  {
    title: 'shuts down but serves, while others are ready',
    slices: [listed(endpoint(A, SERVES_WHILE_TERMINATING), endpoint(B))],
    alive: true,
  },
  { title: 'shuts down and serves no more', slices: [listed(endpoint(A, GONE_SILENT))], alive: false },
  { title: 'fails its readiness probe', slices: [listed(endpoint(A, NOT_READY))], alive: false },
  { title: 'is not ready but serves', slices: [listed(endpoint(A, { ready: false }))], alive: true },
  { title: 'is ready, whatever it says about serving', slices: [listed(endpoint(A, { serving: false }))], alive: true },
  {
    title: 'is not ready, where that does not matter',
    slices: [listed(endpoint(A, NOT_READY))],
    of: { publishNotReadyAddresses: true },
    alive: true,
  },
  {
    title: 'is on another node, where the traffic policy is local',
    slices: [listed(endpoint(A, { node: 'node-b' }))],
    of: { internalTrafficPolicy: 'Local' },
    alive: true,
  },
  {
    title: 'is ready in one slice and gone in another',
    slices: [listed(endpoint(A, GONE_SILENT)), slice([endpoint(A)], { name: 'web-2', ports: [DNS] })],
    alive: true,
  },
  {
    title: 'listens on another port by now',
    slices: [slice([endpoint(A)], { ports: [{ ...DNS, port: 54 }] })],
    alive: false,
  },
  { title: 'has that port for TCP only', slices: [slice([endpoint(A)], { ports: [DNS_TCP] })], alive: false },
  {
    title: 'has that port under another name',
    slices: [slice([endpoint(A)], { ports: [{ ...DNS, name: 'metrics' }] })],
    alive: false,
  },
  {
    title: 'has an IPv6 address',
    slices: [slice([endpoint(V6)], { family: 6, ports: [DNS] })],
    address: V6,
    alive: true,
  },
  { title: 'has only an IPv4 address', slices: [listed(endpoint(A))], address: V6, alive: false },
];

describe('an endpoint that', () => {
  test.each(ROWS)('$title: alive is $alive', ({ slices, of, address = A, alive }) => {
    const input = { service: service({ ports: [DNS, DNS_TCP], ...of }), slices };
    expect(aliveEndpoints(input, { name: 'dns', protocol: 'UDP' }).has(aliveKey(address, 53))).toBe(alive);
  });
});

describe('an endpoint of another Service', () => {
  const other = service({ name: 'v1', ports: [DNS] });
  const answers = { service: other, slices: [slice([endpoint(A)], { service: 'v1', ports: [DNS] })], policies: [] };
  const aliveBy = (fields: RouteFields, weight = 1): boolean => {
    const split = route([{ name: 'v1', port: 53, weight }], { kind: 'UDPRoute', ...fields });
    const backends = split.backends.map((ref) => ({ ref, permitted: true, answers }));
    const input = {
      service: service({ ports: [DNS, DNS_TCP] }),
      slices: [],
      routes: [{ route: split, narrowings: [], backends }],
    };
    return aliveEndpoints(input, { name: 'dns', protocol: 'UDP' }).has(aliveKey(A, 53));
  };
  test.each([
    { title: 'to which a route of this one leads is alive', alive: aliveBy({}) },
    { title: 'to which it leads without any weight is alive', alive: aliveBy({}, 0) },
    { title: 'to which a route of another port leads is gone', alive: !aliveBy({ parents: [{ port: 54 }] }) },
    { title: 'to which a route of TCP leads is gone', alive: !aliveBy({ kind: 'TCPRoute' }) },
  ])('$title', ({ alive }) => expect(alive).toBe(true));
});
