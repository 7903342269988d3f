import { expect, it } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import { explain, renderExplain } from '../../../../src/core/explain.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { endpoint, OUR_NODE, service, slice } from '../../../helpers/objects.ts';
import { narrowed, route } from '../../../helpers/route-objects.ts';

const OWN = [service(), slice([endpoint('10.1.0.1')])];

const explained = (...objects: readonly ClusterObject[]) => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    [...OWN, ...objects].map((object) => ({ type: 'put', object })),
  );
  return explain({ cluster, node: OUR_NODE }, { address: '10.96.0.1', port: 80, protocol: 'TCP' });
};

it.each<{ reason: string; message: string; objects: readonly ClusterObject[] }>([
  {
    reason: 'UnsupportedValue',
    message: 'none of the route is in force, because of spec.rules[0].filters',
    objects: [route([], { unsupported: 'spec.rules[0].filters' })],
  },
  {
    reason: 'NoMatchingParent',
    message: 'Service shop/web has no TCP port 81',
    objects: [route([], { parents: [{ port: 81 }] })],
  },
  {
    reason: 'Conflicted',
    message: 'port 80 is left to TCPRoute shop/older: it is older',
    objects: [route([{ name: 'web' }], { name: 'older' }), route([], { createdAtMs: 1 })],
  },
  {
    reason: 'Pending',
    message:
      'the route is for nobody: its annotation shunt.dev/narrowed asks for a TrafficPolicy that names its clients, ' +
      'and there is none',
    objects: [route([], { narrowed: true })],
  },
])('says of a route that is not in force why not: $reason', ({ reason, message, objects }) => {
  const decision = explained(...objects);
  expect(decision).toMatchObject({
    outcome: 'sent',
    idleRoutes: [{ route: 'TCPRoute shop/split', parent: 'spec.parentRefs[0]', reason, message }],
  });
  const lines = renderExplain(decision).filter((line) => line.includes('shop/split'));
  expect(lines).toEqual([`TCPRoute shop/split is not in force here: ${message} (Accepted=False, ${reason}).`]);
});

it.each<{ what: string; objects: readonly ClusterObject[] }>([
  { what: 'is in force', objects: [route([{ name: 'web' }])] },
  { what: 'is for the clients of another namespace', objects: [route([{ name: 'web' }], { namespace: 'checkout' })] },
  {
    what: 'is for some clients',
    objects: [
      route([{ name: 'web' }]),
      narrowed({ ring: 'a' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] }),
    ],
  },
  { what: 'has another Service as its parent', objects: [route([], { parents: [{ name: 'other' }] })] },
])('says so of no route that $what', ({ objects }) => {
  expect(explained(...objects)).not.toHaveProperty('idleRoutes');
});

it('shows ten of many, and has all', () => {
  const names = Array.from({ length: 12 }, (_, index) => `route-${String(index).padStart(2, '0')}`);
  const decision = explained(...names.map((name) => route([], { name, unsupported: 'spec.rules' })));
  expect(decision.idleRoutes?.map(({ route: name }) => name)).toEqual(names.map((name) => `TCPRoute shop/${name}`));
  const lines = renderExplain(decision).filter((line) => line.includes('oute'));
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toBe('Nor are 2 more routes: -o json');
});
