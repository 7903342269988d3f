import { expect, test } from 'vitest';
import type { ClusterObject } from '../../../src/core/model/objects.ts';
import { manifestOf } from '../../helpers/object-directory.ts';
import {
  backend,
  destinationRule,
  endpoint,
  node,
  parent,
  pod,
  policy,
  referenceGrant,
  route,
  slice,
} from '../../helpers/objects.ts';
import { objectOf } from '../../helpers/reading.ts';

const CLIENTS = {
  matchLabels: { app: 'checkout' },
  matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['beta'] }],
} as const;

const FIELDS = { createdAtMs: 1_764_000_000_000, generation: 3, slowStartMs: 90_500 } as const;

test.each<[string, ClusterObject]>([
  ['a policy of nothing', policy([])],
  [
    'a policy of everything',
    policy([{ pod: 'a-*', node: 'n', zone: 'z', labels: { rack: 'r1' }, weight: 5 }], {
      ...FIELDS,
      routes: [{ kind: 'UDPRoute', name: 'shares' }],
      algorithm: 'Maglev',
      hashOn: 'SourceAddress',
      clients: CLIENTS,
    }),
  ],
  ['a policy of connections on one node', policy([], { sameNode: 'Redirect' })],
  ['a policy of first response times', policy([], { firstResponseTime: 'Measure' })],
  ['a policy without age', policy([], { createdAtMs: Number.POSITIVE_INFINITY, algorithm: 'PeakEwma' })],
  ['a DestinationRule of nothing', destinationRule()],
  ['a DestinationRule of everything', destinationRule({ ...FIELDS, algorithm: 'Maglev', hashOn: 'SourceAddress' })],
  ['a DestinationRule by name', destinationRule({ algorithm: 'LeastConnections' })],
  ['a route', route()],
  [
    'a route of everything',
    route({
      kind: 'HTTPRoute',
      apiVersion: 'gateway.networking.k8s.io/v1beta1',
      createdAtMs: 5000,
      generation: 2,
      parents: [parent({ port: 80, sectionName: 'http' }), parent({ namespace: 'other' })],
      backends: [backend('a', { weight: 0 }), backend('b', { namespace: 'next', port: undefined, weight: 7 })],
    }),
  ],
  ['a grant for all Services', referenceGrant()],
  ['a grant for one', referenceGrant({ services: ['web'], from: [{ kind: 'GRPCRoute', namespace: 'a' }] })],
  ['a Pod', pod({ cgroupUid: 'd1b4d5b4-8c7e-4d57-9d0e-7d5c3a1f0b2a', labels: { app: 'web' } })],
  [
    'a Pod that is labelled for connections on its node',
    pod({ labels: { 'shunt.dev/same-node': 'plain' }, sameNode: 'plain' }),
  ],
  ['a Pod of a workload', pod({ owner: 'StatefulSet/web' })],
  ['a slice with labels', slice([endpoint('10.1.0.1', { labels: { rack: 'r1' } }), endpoint('10.1.0.2')])],
  ['a Node', node({ zone: 'z1', addresses: ['192.0.2.1'] })],
])('the manifest of %s is read as what it was made of', (_, object) => {
  expect(objectOf(manifestOf(object))).toEqual(object);
});

test.each([
  ['something unsupported', route({ unsupported: 'a filter' }), { unsupported: expect.stringMatching(/./) }],
  [
    'a backend of another kind',
    route({ backends: [backend('a', { invalidKind: 'a kind' })] }),
    { backends: [{ name: 'a', invalidKind: expect.stringMatching(/./) }] },
  ],
])('the manifest of a route with %s is read as one', (_, object, expected) => {
  expect(objectOf(manifestOf(object))).toMatchObject(expected);
});
