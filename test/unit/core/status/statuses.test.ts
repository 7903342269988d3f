import { describe, expect, it } from 'vitest';
import { applyEvents, createCluster } from '../../../../src/core/cluster.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { wantedStatuses } from '../../../../src/core/status/statuses.ts';
import type { RejectedObject, WantedStatus } from '../../../../src/core/status/wanted.ts';
import { policy, service } from '../../../helpers/objects.ts';
import { destinationRule, grant, manyNarrowed, narrowed, route } from '../../../helpers/route-objects.ts';

const statuses = (objects: readonly ClusterObject[], rejected: readonly RejectedObject[] = []) => {
  const cluster = createCluster();
  applyEvents(
    cluster,
    objects.map((object) => ({ type: 'put', object })),
  );
  return [...wantedStatuses(cluster, { proxyName: '' }, rejected)];
};

/** `TCPRoute shop/split Service shop/web:80: Accepted=False Conflicted port 80 is left to ...` */
const linesOf = (wanted: readonly WantedStatus[]): readonly string[] =>
  wanted.flatMap(({ ref, entries }) =>
    entries.flatMap(({ of, conditions }) =>
      conditions.map(({ type, status, reason, message }) => {
        const target = `${of.kind} ${of.namespace}/${of.name}${of.port === undefined ? '' : `:${of.port}`}`;
        return `${ref.kind} ${ref.name} at ${target}: ${type}=${status} ${reason}: ${message}`;
      }),
    ),
  );

const WEB = service();
const V1 = service({ name: 'v1', clusterIPs: ['10.96.1.1'] });

interface Row {
  readonly when: string;
  readonly objects: readonly ClusterObject[];
  readonly want: readonly string[];
}

const ACCEPTED = 'Accepted=True Accepted: shares the connections of Service shop/web';
const RESOLVED = 'ResolvedRefs=True ResolvedRefs: ';

describe('the status of a route', () => {
  const at = (...conditions: readonly string[]) =>
    conditions.map((each) => `TCPRoute split at Service shop/web: ${each}`);
  it.each<Row>([
    { when: 'it counts', objects: [WEB, V1, route([{ name: 'v1' }])], want: at(ACCEPTED, RESOLVED) },
    {
      when: 'its parent is not there',
      objects: [V1, route([{ name: 'v1' }])],
      want: at('Accepted=False NoMatchingParent: there is no Service shop/web', RESOLVED),
    },
    {
      when: 'its parent has no such port',
      objects: [WEB, V1, route([{ name: 'v1' }], { parents: [{ port: 81 }] })],
      want: [
        'TCPRoute split at Service shop/web:81: Accepted=False NoMatchingParent: Service shop/web has no TCP port 81',
        `TCPRoute split at Service shop/web:81: ${RESOLVED}`,
      ],
    },
    {
      when: 'its parent is headless',
      objects: [service({ headless: true, clusterIPs: [] }), V1, route([{ name: 'v1' }])],
      want: at('Accepted=False NoMatchingParent: Service shop/web is headless: it has no address of its own', RESOLVED),
    },
    {
      when: 'its parent has no address yet',
      objects: [service({ clusterIPs: [] }), V1, route([{ name: 'v1' }])],
      want: at('Accepted=False Pending: Service shop/web has no address yet', RESOLVED),
    },
    {
      when: 'another proxy serves its parent: it is for that one to say',
      objects: [service({ proxyName: 'other' }), V1, route([{ name: 'v1' }])],
      want: [],
    },
    {
      when: 'it asks for what cannot be done with a stream',
      objects: [WEB, V1, route([{ name: 'v1' }], { unsupported: 'spec.rules[0].matches is not supported' })],
      want: at(
        'Accepted=False UnsupportedValue: none of the route is in force, because of spec.rules[0].matches is not supported',
        RESOLVED,
      ),
    },
    {
      when: 'it is a TLSRoute that asks for names within TLS',
      objects: [WEB, V1, route([{ name: 'v1' }], { kind: 'TLSRoute', unsupported: 'spec.hostnames: is for names' })],
      want: [
        'TLSRoute split at Service shop/web: Accepted=False UnsupportedValue: ' +
          'none of the route is in force, because of spec.hostnames: is for names',
        `TLSRoute split at Service shop/web: ${RESOLVED}`,
      ],
    },
    {
      when: 'a backend is not there',
      objects: [WEB, route([{ name: 'v1' }])],
      want: at(ACCEPTED, 'ResolvedRefs=False BackendNotFound: there is no Service shop/v1: refused, with their shares'),
    },
    {
      when: 'a backend is not permitted',
      objects: [WEB, service({ ...V1, namespace: 'bank' }), route([{ namespace: 'bank', name: 'v1' }])],
      want: at(
        ACCEPTED,
        'ResolvedRefs=False RefNotPermitted: no ReferenceGrant in bank permits Service bank/v1: refused, with their shares',
      ),
    },
    {
      when: 'a backend is permitted',
      objects: [WEB, service({ ...V1, namespace: 'bank' }), grant(), route([{ namespace: 'bank', name: 'v1' }])],
      want: at(ACCEPTED, RESOLVED),
    },
    {
      when: 'a backend is no Service',
      objects: [WEB, route([{ name: 'v1', invalidKind: 'a Bucket is no Service' }])],
      want: at(ACCEPTED, 'ResolvedRefs=False InvalidKind: a Bucket is no Service: refused, with their shares'),
    },
    {
      when: 'a backend has another protocol',
      objects: [
        WEB,
        service({ name: 'v1', ports: [{ name: 'dns', protocol: 'UDP', port: 80 }] }),
        route([{ name: 'v1' }]),
      ],
      want: at(
        ACCEPTED,
        'ResolvedRefs=False UnsupportedProtocol: port 80 of Service shop/v1 is not for TCP: refused, with their shares',
      ),
    },
  ])('when $when', ({ objects, want }) => expect(linesOf(statuses(objects))).toEqual(want));

  it('says of two that stand alike who gives way, and of others nothing', () => {
    const objects = [
      WEB,
      V1,
      route([{ name: 'v1' }], { name: 'first', createdAtMs: 1 }),
      route([{ name: 'v1' }], { name: 'second', createdAtMs: 2 }),
      route([{ name: 'v1' }], { name: 'third', createdAtMs: 3 }),
      route([{ name: 'v1' }], { name: 'consumer', namespace: 'bank', createdAtMs: 4 }),
      narrowed({ track: 'canary' }, { services: [], routes: [{ kind: 'TCPRoute', name: 'third' }] }),
      grant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'bank' }] }),
    ];
    const accepted = linesOf(statuses(objects)).filter(
      (line) => line.includes(': Accepted=') && line.startsWith('TCPRoute'),
    );
    expect(accepted).toEqual([
      `TCPRoute first at Service shop/web: ${ACCEPTED}`,
      'TCPRoute second at Service shop/web: Accepted=False Conflicted: port 80 is left to TCPRoute shop/first: it is older',
      `TCPRoute third at Service shop/web: ${ACCEPTED}`,
      `TCPRoute consumer at Service shop/web: ${ACCEPTED}`,
    ]);
  });

  it('is accepted, and says so, when it counts at some of the ports that it names', () => {
    const objects = [
      service({
        ports: [
          { name: 'http', protocol: 'TCP', port: 80 },
          { name: 'admin', protocol: 'TCP', port: 81 },
        ],
      }),
      V1,
      route([{ name: 'v1' }], { name: 'first', createdAtMs: 1, parents: [{ port: 80 }] }),
      route([{ name: 'v1' }], { name: 'second', createdAtMs: 2 }),
    ];
    expect(linesOf(statuses(objects))).toContain(
      'TCPRoute second at Service shop/web: Accepted=True Accepted: port 80 is left to TCPRoute shop/first: it is older',
    );
  });

  it('has its generation, its version, and an entry for each parent as that is written', () => {
    const parents = [{ port: 80 }, { name: 'gone', sectionName: 'http' }];
    const [status] = statuses([WEB, V1, route([{ name: 'v1' }], { generation: 7, parents })]);
    expect(status?.ref).toEqual({
      kind: 'TCPRoute',
      apiVersion: 'gateway.networking.k8s.io/v1',
      namespace: 'shop',
      name: 'split',
      generation: 7,
    });
    expect(status?.kind).toBe('parents');
    expect(status?.entries.map(({ of }) => of)).toEqual([
      { group: '', kind: 'Service', namespace: 'shop', name: 'web', port: 80 },
      { group: '', kind: 'Service', namespace: 'shop', name: 'gone', sectionName: 'http' },
    ]);
    expect(status?.entries.flatMap(({ conditions }) => conditions.map((each) => each.observedGeneration))).toEqual([
      7, 7, 7, 7,
    ]);
  });
});

describe('the status of a TrafficPolicy', () => {
  it.each<Row>([
    {
      when: 'it counts',
      objects: [WEB, policy([])],
      want: ['TrafficPolicy weights at Service shop/web: Accepted=True Accepted: counts for Service shop/web'],
    },
    {
      when: 'a target is not there',
      objects: [WEB, policy([], { services: ['web', 'gone'] })],
      want: [
        'TrafficPolicy weights at Service shop/web: Accepted=True Accepted: counts for Service shop/web',
        'TrafficPolicy weights at Service shop/gone: Accepted=False TargetNotFound: there is no Service shop/gone',
      ],
    },
    {
      when: 'an older one governs its target',
      objects: [WEB, policy([], { name: 'a', createdAtMs: 2 }), policy([], { name: 'b', createdAtMs: 1 })],
      want: [
        'TrafficPolicy a at Service shop/web: ' +
          'Accepted=False Conflicted: TrafficPolicy shop/b is older and governs it alone',
        'TrafficPolicy b at Service shop/web: Accepted=True Accepted: counts for Service shop/web',
      ],
    },
    {
      when: 'another is for some clients only, or Istio’s',
      objects: [WEB, policy([], { createdAtMs: 9 }), narrowed({ track: 'canary' }), destinationRule()],
      want: [
        'TrafficPolicy weights at Service shop/web: Accepted=True Accepted: counts for Service shop/web',
        'TrafficPolicy narrowed at Service shop/web: Accepted=True Accepted: counts for Service shop/web',
      ],
    },
    {
      when: 'its target is headless',
      objects: [service({ headless: true, clusterIPs: [] }), policy([])],
      want: [
        'TrafficPolicy weights at Service shop/web: Accepted=True Accepted: ' +
          'counts where a route leads to this Service: its own clients find the endpoints through DNS',
      ],
    },
    {
      when: 'its target is headless, and it says how its endpoints are connected on one node',
      objects: [service({ headless: true, clusterIPs: [] }), policy([], { sameNode: 'Redirect' })],
      want: [
        'TrafficPolicy weights at Service shop/web: Accepted=True Accepted: ' +
          'counts where a route leads to this Service: its own clients find the endpoints through DNS; sameNode counts for them',
      ],
    },
    {
      when: 'its target is headless, and it asks for first response times',
      objects: [service({ headless: true, clusterIPs: [] }), policy([], { firstResponseTime: 'Measure' })],
      want: [
        'TrafficPolicy weights at Service shop/web: Accepted=True Accepted: ' +
          'counts where a route leads to this Service: its own clients find the endpoints through DNS; ' +
          'firstResponseTime does not: nobody asks the Service',
      ],
    },
    {
      when: 'its target is an ExternalName',
      objects: [service({ type: 'ExternalName', clusterIPs: [] }), policy([])],
      want: [
        'TrafficPolicy weights at Service shop/web: ' +
          'Accepted=False Invalid: Service shop/web is an ExternalName: it has no endpoints',
      ],
    },
    { when: 'another proxy serves its target', objects: [service({ proxyName: 'other' }), policy([])], want: [] },
    {
      when: 'it narrows routes',
      objects: [
        narrowed(
          { track: 'canary' },
          {
            services: [],
            createdAtMs: 2,
            routes: [
              { kind: 'TCPRoute', name: 'split' },
              { kind: 'UDPRoute', name: 'gone' },
            ],
          },
        ),
        narrowed({}, { name: 'older', createdAtMs: 1, services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] }),
        policy([], { name: 'vain', services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] }),
        WEB,
        route([]),
      ],
      want: [
        `TCPRoute split at Service shop/web: ${ACCEPTED}`,
        `TCPRoute split at Service shop/web: ${RESOLVED}`,
        'TrafficPolicy narrowed at TCPRoute shop/split: ' +
          'Accepted=False Conflicted: TrafficPolicy shop/older is older and narrows it alone',
        'TrafficPolicy narrowed at UDPRoute shop/gone: Accepted=False TargetNotFound: there is no UDPRoute shop/gone',
        'TrafficPolicy older at TCPRoute shop/split: Accepted=True Accepted: narrows TCPRoute shop/split to its clients',
        'TrafficPolicy vain at TCPRoute shop/split: ' +
          'Accepted=False Invalid: without spec.clients nothing narrows TCPRoute shop/split',
      ],
    },
  ])('when $when', ({ objects, want }) => expect(linesOf(statuses(objects))).toEqual(want));
});

describe('the status of a TrafficPolicy of which nothing is in force', () => {
  const DNS = { name: 'dns', protocol: 'UDP', port: 53 } as const;
  const HTTP = { name: 'http', protocol: 'TCP', port: 80 } as const;
  const LEFT = 'TCPRoute shop/split shares the connections of Service shop/web: none comes to its own endpoints';
  const toSplit = { services: [], routes: [{ kind: 'TCPRoute', name: 'split' }] } as const;
  const of = (...lines: readonly string[]) => lines.map((line) => `TrafficPolicy weights at ${line}`);
  it.each<Row>([
    {
      when: 'a route shares the connections of its Service',
      objects: [WEB, V1, route([{ name: 'v1' }]), policy([])],
      want: of(`Service shop/web: Accepted=False Overridden: ${LEFT}`),
    },
    {
      when: 'it is for some clients, and a route for every Pod shares their connections',
      objects: [
        WEB,
        V1,
        route([{ name: 'v1' }]),
        narrowed({}, { name: 'all', ...toSplit }),
        policy([], { clients: narrowed({ track: 'canary' }).clients }),
      ],
      want: of(`Service shop/web: Accepted=False Overridden: ${LEFT}`),
    },
    {
      when: 'no more: a route leads back to the Service',
      objects: [WEB, V1, route([{ name: 'v1' }, { name: 'web' }]), policy([])],
      want: of('Service shop/web: Accepted=True Accepted: counts where a route leads to this Service'),
    },
    {
      when: 'still: a route leads back to the Service, with no share of it',
      objects: [WEB, V1, route([{ name: 'v1' }, { name: 'web', weight: 0 }]), policy([])],
      want: of(`Service shop/web: Accepted=False Overridden: ${LEFT}`),
    },
    {
      when: 'no more: the route is for some clients only',
      objects: [WEB, V1, route([{ name: 'v1' }]), narrowed({ track: 'canary' }, toSplit), policy([])],
      want: of('Service shop/web: Accepted=True Accepted: counts for Service shop/web'),
    },
    {
      when: 'no more: the route is for the clients of another namespace only',
      objects: [WEB, V1, route([{ name: 'v1' }], { namespace: 'bank' }), policy([])],
      want: of('Service shop/web: Accepted=True Accepted: counts for Service shop/web'),
    },
    {
      when: 'no more: one port has no route',
      objects: [service({ ports: [HTTP, DNS] }), V1, route([{ name: 'v1' }]), policy([])],
      want: of(
        'Service shop/web: Accepted=True Accepted: counts for Service shop/web, but port 80 is left to TCPRoute shop/split',
      ),
    },
    {
      when: 'no more: it says how its endpoints are connected on one node',
      objects: [WEB, V1, route([{ name: 'v1' }]), policy([], { sameNode: 'Redirect' })],
      want: of(`Service shop/web: Accepted=True Accepted: sameNode counts; ${LEFT}`),
    },
    {
      when: 'no more: it asks for first response times',
      objects: [WEB, V1, route([{ name: 'v1' }]), policy([], { firstResponseTime: 'Measure' })],
      want: of(`Service shop/web: Accepted=True Accepted: firstResponseTime counts; ${LEFT}`),
    },
    {
      when: 'no more: it asks for both',
      objects: [WEB, V1, route([{ name: 'v1' }]), policy([], { firstResponseTime: 'Measure', sameNode: 'Redirect' })],
      want: of(`Service shop/web: Accepted=True Accepted: sameNode and firstResponseTime count; ${LEFT}`),
    },
    {
      when: 'an older one for every Pod covers it',
      objects: [
        WEB,
        narrowed({}, { name: 'all', createdAtMs: 1 }),
        policy([], { createdAtMs: 2, clients: narrowed({ track: 'canary' }).clients }),
      ],
      want: of('Service shop/web: Accepted=False Conflicted: TrafficPolicy shop/all is older and governs it alone'),
    },
    {
      when: 'its route is not supported',
      objects: [
        WEB,
        V1,
        route([{ name: 'v1' }], { unsupported: 'a match' }),
        narrowed({}, { name: 'weights', ...toSplit }),
      ],
      want: of(
        'TCPRoute shop/split: Accepted=False Invalid: TCPRoute shop/split is not in force: ' +
          'none of the route is in force, because of a match',
      ),
    },
    {
      when: 'the parent of its route is not there',
      objects: [V1, route([{ name: 'v1' }]), narrowed({}, { name: 'weights', ...toSplit })],
      want: of(
        'TCPRoute shop/split: Accepted=False TargetNotFound: TCPRoute shop/split is not in force: there is no Service shop/web',
      ),
    },
    {
      when: 'its route gives way to another',
      objects: [
        WEB,
        V1,
        route([{ name: 'v1' }], { createdAtMs: 2 }),
        route([{ name: 'v1' }], { name: 'older', createdAtMs: 1 }),
        narrowed({}, { name: 'weights', ...toSplit }),
        narrowed({}, { name: 'other', services: [], routes: [{ kind: 'TCPRoute', name: 'older' }] }),
      ],
      want: of(
        'TCPRoute shop/split: Accepted=False Conflicted: TCPRoute shop/split is not in force: ' +
          'port 80 is left to TCPRoute shop/older: it is older',
      ),
    },
    {
      when: 'its route is only for parents of another proxy, whose it is to say',
      objects: [
        service({ proxyName: 'other' }),
        route([{ name: 'v1' }]),
        narrowed({}, { name: 'weights', ...toSplit }),
      ],
      want: [],
    },
    {
      when: 'one that cannot be read keeps its route from everybody',
      objects: [
        WEB,
        V1,
        route([{ name: 'v1' }]),
        narrowed({}, { name: 'broken', ...toSplit, createdAtMs: 1, standsIn: true }),
        narrowed({}, { name: 'weights', ...toSplit, createdAtMs: 2 }),
      ],
      want: of(
        'TCPRoute shop/split: Accepted=False Conflicted: TrafficPolicy shop/broken is older and could not be read yet: ' +
          'TCPRoute shop/split is for nobody',
      ),
    },
    {
      when: 'it stands in for what could not be read',
      objects: [WEB, V1, route([{ name: 'v1' }]), narrowed({}, { name: 'weights', ...toSplit, standsIn: true })],
      want: of('TCPRoute shop/split: Accepted=False Invalid: could not be read yet: TCPRoute shop/split is for nobody'),
    },
  ])('when $when', ({ objects, want }) =>
    expect(linesOf(statuses(objects)).filter((line) => line.startsWith('TrafficPolicy weights'))).toEqual(want),
  );

  const rejectedRoute: RejectedObject = {
    ref: { kind: 'TCPRoute', namespace: 'shop', name: 'split', apiVersion: 'x/v1', generation: 9 },
    complaints: [{ severity: 'error', object: 'it', path: 'spec.rules', message: 'is missing' }],
    parents: [{ namespace: 'shop', name: 'web', port: undefined, sectionName: '' }],
  };
  it.each([
    {
      when: 'its route never could be read',
      objects: [WEB],
      says: 'Accepted=False Invalid: TCPRoute shop/split is not in force: it has an error',
    },
    {
      when: 'no more: the last good state of its route is in force',
      objects: [WEB, V1, route([{ name: 'v1' }])],
      says: 'Accepted=True Accepted: narrows TCPRoute shop/split to its clients, as it was before its error',
    },
  ])('when $when', ({ objects, says }) => {
    const lines = linesOf(statuses([...objects, narrowed({}, { name: 'weights', ...toSplit })], [rejectedRoute]));
    expect(lines.at(-1)).toBe(`TrafficPolicy weights at TCPRoute shop/split: ${says}`);
  });

  it('is worked out once for a thousand policies of one Service, not for each', () => {
    const { policies, reads } = manyNarrowed();
    expect(statuses([WEB, V1, route([{ name: 'v1' }]), ...policies])).toHaveLength(1001);
    expect(reads()).toBeGreaterThan(0);
    expect(reads()).toBeLessThanOrEqual(3 * policies.length);
  });
});

it('of a route that is for some clients, an older one that is for every Pod leaves nothing', () => {
  const toEach = (name: string) => ({ name, services: [], routes: [{ kind: 'TCPRoute', name } as const] });
  const objects = [
    WEB,
    V1,
    route([{ name: 'v1' }], { name: 'all', createdAtMs: 1 }),
    route([{ name: 'v1' }], { name: 'some', createdAtMs: 2 }),
    narrowed({}, toEach('all')),
    narrowed({ track: 'canary' }, toEach('some')),
  ];
  expect(linesOf(statuses(objects))).toContain(
    'TCPRoute some at Service shop/web: Accepted=False Conflicted: port 80 is left to TCPRoute shop/all: it is older',
  );
});

describe('the status of an object with an error', () => {
  const rejected = (kind: 'TCPRoute' | 'TrafficPolicy', fields: Partial<RejectedObject> = {}): RejectedObject => ({
    ref: {
      kind,
      namespace: 'shop',
      name: kind === 'TCPRoute' ? 'split' : 'weights',
      apiVersion: 'x/v1',
      generation: 9,
    },
    complaints: [
      { severity: 'error', object: 'it', path: 'spec.rules', message: 'is missing' },
      { severity: 'note', object: 'it', path: 'spec', message: 'is short' },
    ],
    ...fields,
  });
  it.each([
    {
      what: 'of a route, at the parents of its last good state',
      objects: [WEB, V1, route([{ name: 'v1' }])],
      object: rejected('TCPRoute'),
      want: ['TCPRoute split at Service shop/web: Accepted=False UnsupportedValue: spec.rules is missing'],
    },
    {
      what: 'of a route, at the parents that it names now',
      objects: [WEB, V1, route([{ name: 'v1' }])],
      object: rejected('TCPRoute', { parents: [{ namespace: 'shop', name: 'v1', port: 80, sectionName: '' }] }),
      want: ['TCPRoute split at Service shop/v1:80: Accepted=False UnsupportedValue: spec.rules is missing'],
    },
    {
      what: 'of a policy, at the targets of its last good state',
      objects: [WEB, policy([])],
      object: rejected('TrafficPolicy'),
      want: ['TrafficPolicy weights at Service shop/web: Accepted=False Invalid: spec.rules is missing'],
    },
    {
      what: 'of a policy that never was good, at the targets that it names',
      objects: [WEB],
      object: rejected('TrafficPolicy', { targets: [{ kind: 'Service', name: 'web' }] }),
      want: ['TrafficPolicy weights at Service shop/web: Accepted=False Invalid: spec.rules is missing'],
    },
    {
      what: 'of a policy that never was good, and of the route that is for nobody because of it',
      objects: [
        WEB,
        V1,
        route([{ name: 'v1' }]),
        narrowed({}, { name: 'weights', services: [], routes: [{ kind: 'TCPRoute', name: 'split' }], standsIn: true }),
      ],
      object: rejected('TrafficPolicy', { targets: [{ kind: 'TCPRoute', name: 'split' }] }),
      want: [
        'TrafficPolicy weights at TCPRoute shop/split: Accepted=False Invalid: spec.rules is missing',
        'TCPRoute split at Service shop/web: Accepted=False Pending: the route is for nobody: ' +
          'TrafficPolicy shop/weights, which names its clients, could not be read yet',
        'TCPRoute split at Service shop/web: ResolvedRefs=True ResolvedRefs: ',
      ],
    },
    { what: 'of which nothing is known', objects: [], object: rejected('TrafficPolicy'), want: [] },
  ])('$what', ({ objects, object, want }) => {
    const wanted = statuses(objects, [object]);
    expect(linesOf(wanted)).toEqual(want);
    expect(wanted[0]?.ref).toEqual(object.ref);
  });
});
