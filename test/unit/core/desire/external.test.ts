import { describe, expect, it } from 'vitest';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { LocalNode } from '../../../../src/core/desire/node.ts';
import type { ServiceObject } from '../../../../src/core/model/objects.ts';
import { complaintLines, desiredLines, endpoint, OUR_NODE, service, slice } from '../../../helpers/objects.ts';

interface Row {
  readonly rule: string;
  readonly object: ServiceObject;
  readonly node?: Partial<LocalNode>;
  /** `address:port -> endpoints`. */
  readonly want: readonly string[];
  readonly complaints?: readonly string[];
}

const check = ({ object, node, want, complaints = [] }: Row): void => {
  const slices = [
    slice([endpoint('10.1.0.1', { node: 'node-a' }), endpoint('10.1.0.2', { node: 'node-b' })]),
    slice([endpoint('fd00:1::1', { node: 'node-a' })], { name: 'web-6', family: 6 }),
  ];
  const desired = desire({ service: object, slices, policies: [], node: { ...OUR_NODE, ...node } });
  expect(desiredLines(desired.ports).map((line) => line.replace(/^\S+ /, ''))).toEqual(want);
  expect(complaintLines(desired.complaints)).toEqual(complaints);
};

const HTTP = { name: 'http', protocol: 'TCP', port: 80 } as const;
const BOTH = '10.1.0.1:8080=1 10.1.0.2:8080=1';
const CLUSTER = `10.96.0.1:80 -> ${BOTH}`;

describe('a load balancer', () => {
  const balanced = { type: 'LoadBalancer', loadBalancerIPs: ['203.0.113.1'] } as const;
  it.each<Row>([
    {
      rule: 'is not asked from inside: its address leads to the endpoints',
      object: service(balanced),
      want: [CLUSTER, `203.0.113.1:80 -> ${BOTH}`],
    },
    {
      rule: 'of another family than the cluster address has endpoints of its own family',
      object: service({ ...balanced, loadBalancerIPs: ['fd00:8::1'] }),
      want: [CLUSTER, '[fd00:8::1]:80 -> [fd00:1::1]:8080=1'],
    },
    {
      rule: 'that only some clients may use is left alone, with a note',
      object: service({ ...balanced, sourceRanges: true }),
      want: [CLUSTER],
      complaints: [
        'note: Service shop/web spec.loadBalancerSourceRanges: ' +
          'restrict who may use the load balancer: its addresses are left alone',
      ],
    },
  ])('$rule', check);
});

describe('external addresses', () => {
  const external = service({ externalIPs: ['203.0.113.250'] });
  it.each<Row>([
    {
      rule: 'are left alone, with a note, unless the administrator turns them on',
      object: external,
      want: [CLUSTER],
      complaints: ['note: Service shop/web spec.externalIPs: are left alone: --external-ips is off'],
    },
    {
      rule: 'lead to the endpoints when they are on',
      object: external,
      node: { externalIPs: true },
      want: [CLUSTER, `203.0.113.250:80 -> ${BOTH}`],
    },
    {
      rule: 'that are the cluster address or that of the load balancer too, count once',
      object: service({
        type: 'LoadBalancer',
        externalIPs: ['10.96.0.1', '203.0.113.1'],
        loadBalancerIPs: ['203.0.113.1'],
      }),
      node: { externalIPs: true },
      want: [CLUSTER, `203.0.113.1:80 -> ${BOTH}`],
    },
  ])('$rule', check);
});

describe('a node port', () => {
  const object = service({ type: 'NodePort', ports: [{ ...HTTP, nodePort: 30_080 }] });
  it.each<Row>([
    {
      rule: 'is answered at every address of this node, each in its family',
      object,
      node: { addresses: ['192.0.2.1', 'fd00:2::1'] },
      want: [CLUSTER, `192.0.2.1:30080 -> ${BOTH}`, '[fd00:2::1]:30080 -> [fd00:1::1]:8080=1'],
    },
    { rule: 'is nowhere while the addresses of the node are not known', object, want: [CLUSTER] },
    {
      rule: 'is answered by all endpoints, while internalTrafficPolicy Local holds the cluster address to this node',
      object: { ...object, internalTrafficPolicy: 'Local' },
      node: { addresses: ['192.0.2.1'] },
      want: ['10.96.0.1:80 -> 10.1.0.1:8080=1', `192.0.2.1:30080 -> ${BOTH}`],
    },
  ])('$rule', check);
});

describe('session affinity', () => {
  const scopes = (object: ServiceObject): readonly string[] =>
    desire({
      service: object,
      slices: [],
      policies: [],
      node: { ...OUR_NODE, addresses: ['192.0.2.1'] },
    }).ports.flatMap(({ groups }) => groups.map(({ kind, scope }) => `${kind} ${scope}`));
  const object = service({ type: 'NodePort', ports: [{ ...HTTP, nodePort: 30_080 }] });

  it('is one for all addresses of a Service where the same endpoints answer', () => {
    expect(scopes(object)).toEqual(['cluster cluster', 'node cluster']);
  });

  it('is kept apart where others answer, so that no client is led past internalTrafficPolicy Local', () => {
    expect(scopes({ ...object, internalTrafficPolicy: 'Local' })).toEqual(['cluster cluster', 'node external']);
  });
});

describe('a cluster address', () => {
  it('is closed once, by the first port that is served', () => {
    const ports = [
      { name: 'sig', protocol: 'SCTP', port: 3868 },
      HTTP,
      { name: 'https', protocol: 'TCP', port: 443 },
    ] as const;
    const object = service({ clusterIPs: ['10.96.0.1', 'fd00:96::1'], externalIPs: ['203.0.113.1'], ports });
    const desired = desire({ service: object, slices: [], policies: [], node: { ...OUR_NODE, externalIPs: true } });
    expect(desired.ports.map(({ id, closed }) => [id, closed])).toEqual([
      ['shop/web/http/TCP', ['10.96.0.1', 'fd00:96::1']],
      ['shop/web/https/TCP', []],
    ]);
  });
});
