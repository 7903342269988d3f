import { expect, it } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { overriddenPolicies } from '../../../../src/core/status/overridden.ts';
import { complaintLines, policy, service } from '../../../helpers/objects.ts';
import { narrowed, route } from '../../../helpers/route-objects.ts';

const DNS = { name: 'dns', protocol: 'UDP', port: 53 } as const;
const HTTP = { name: 'http', protocol: 'TCP', port: 80 } as const;
const WEB = service();
const V1 = service({ name: 'v1', clusterIPs: ['10.96.1.1'] });
const ABOUT = 'TrafficPolicy shop/weights spec.targetRefs';

it.each<{ when: string; objects: readonly ClusterObject[]; says: readonly string[] }>([
  {
    when: 'a route takes all of them elsewhere',
    objects: [WEB, V1, route([{ name: 'v1' }]), policy([])],
    says: [
      `warning: ${ABOUT}: nothing of it counts: ` +
        'TCPRoute shop/split shares the connections of Service shop/web: none comes to its own endpoints',
    ],
  },
  {
    when: 'a route takes those of one port elsewhere',
    objects: [service({ ports: [HTTP, DNS] }), V1, route([{ name: 'v1' }]), policy([])],
    says: [`note: ${ABOUT}: counts for Service shop/web, but port 80 is left to TCPRoute shop/split`],
  },
  {
    when: 'a route leads back to it',
    objects: [WEB, V1, route([{ name: 'v1' }, { name: 'web' }]), policy([])],
    says: [],
  },
  {
    when: 'a route is for some clients',
    objects: [WEB, V1, route([{ name: 'v1' }], { namespace: 'bank' }), policy([])],
    says: [],
  },
  { when: 'there is no route', objects: [WEB, policy([])], says: [] },
  { when: 'there is no such Service', objects: [V1, route([{ name: 'v1' }]), policy([])], says: [] },
  {
    when: 'its Service is for another proxy',
    objects: [service({ proxyName: 'other' }), V1, route([{ name: 'v1' }]), policy([])],
    says: [],
  },
  {
    when: 'an older policy overrules it, which is said elsewhere',
    objects: [WEB, V1, narrowed({}, { name: 'first', createdAtMs: -1 }), narrowed({}, { name: 'weights' })],
    says: [],
  },
])('of a policy for the connections of a Service, when $when, this is said: $says', ({ objects, says }) => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  expect(complaintLines([...overriddenPolicies(cluster, { proxyName: '' })].flat())).toEqual(says);
});
