import { expect, test } from 'vitest';
import { applyEvents, type Cluster, createCluster } from '../../../../src/core/cluster.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { roomFor } from '../../../../src/core/plan/room.ts';
import { endpoint, policy, service, slice } from '../../../helpers/objects.ts';

const clusterOf = (...objects: readonly ClusterObject[]): Cluster => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  return cluster;
};

const ENDPOINTS = slice([endpoint('10.1.0.1'), endpoint('10.1.0.2'), endpoint('10.1.0.3')]);
const TINY = { frontends: 1, slots: 1, backends: 1, services: 1 };
const ports = [
  { name: 'http', protocol: 'TCP', port: 80 },
  { name: 'https', protocol: 'TCP', port: 443 },
] as const;

test.each<{ title: string; objects: readonly ClusterObject[]; slots: number }>([
  { title: 'a port has a slot for each endpoint and a header', objects: [service(), ENDPOINTS], slots: 4 },
  { title: 'so has each port', objects: [service({ ports }), ENDPOINTS], slots: 8 },
  {
    title: 'each family has a header',
    objects: [service({ clusterIPs: ['10.96.0.1', 'fd00:96::1'] }), ENDPOINTS],
    slots: 5,
  },
  {
    title: 'Maglev has a lookup',
    objects: [service(), ENDPOINTS, policy([], { algorithm: 'Maglev', services: ['web'] })],
    slots: 4 + Math.ceil(65_521 / 4),
  },
  {
    title: 'the other algorithms have none',
    objects: [service(), ENDPOINTS, policy([], { algorithm: 'RoundRobin', services: ['web'] })],
    slots: 4,
  },
])('$title, and half as much again', ({ objects, slots }) => {
  expect(roomFor(clusterOf(...objects), TINY)?.slots).toBe(Math.ceil(slots * 1.5));
});

test('tables that are large enough stay as they are', () => {
  const large = { frontends: 64, slots: 64, backends: 64, services: 64 };
  expect(roomFor(clusterOf(service(), ENDPOINTS), large)).toBeUndefined();
});
