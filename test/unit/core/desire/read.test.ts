import { describe, expect, test } from 'vitest';
import { listItems } from '../../../../src/core/desire/read.ts';
import { pathKeys } from '../../../../src/core/desire/read-field.ts';
import type { EndpointSliceObject } from '../../../../src/core/model/objects.ts';
import { complaintsOf, objectOf, read } from '../../../helpers/reading.ts';

const service = (spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'cart', namespace: 'shop', ...metadata },
  spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }], ...spec },
});

const slice = (fields: object = {}, metadata: object = {}) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'cart-x', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'cart' }, ...metadata },
  addressType: 'IPv4',
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.244.1.1'] }],
  ...fields,
});

test.each([
  [
    'a version of a kind that there is not',
    'gateway.networking.k8s.io/v2 TCPRoute',
    'must be gateway.networking.k8s.io/v1 or gateway.networking.k8s.io/v1alpha2',
  ],
  ['a version of the core group', 'v2 Service', 'must be v1'],
])('%s is an error', (_, type, message) => {
  const [apiVersion, kind] = type.split(' ');
  const raw = { apiVersion, kind, metadata: { name: 'a' }, spec: {} };
  expect(complaintsOf(raw)).toContain(`error apiVersion: ${message}`);
});

test.each([
  ['shunt.dev/v1alpha1 TrafficPolicies', 'shunt.dev/v1alpha1 TrafficPolicy'],
  ['shunt.dev/v2 Limit', 'shunt.dev/v1alpha1 TrafficPolicy'],
  ['gateway.networking.k8s.io/v1 TcpRoute', 'gateway.networking.k8s.io/v1 TCPRoute'],
  ['gateway.networking.k8s.io/v1 tcproutes', 'gateway.networking.k8s.io/v1 TCPRoute'],
  ['v1 service', 'v1 Service'],
  ['gateway.networking.k8s.io/v1 Gateway', undefined],
  ['v1 ServiceAccount', undefined],
  ['v1 PodTemplate', undefined],
  ['apps/v1 Service', undefined],
])('%s may be meant for %s', (type, meant) => {
  const [apiVersion, kind] = type.split(' ');
  const unused = { outcome: 'unused', kind: type };
  expect(read({ apiVersion, kind })).toEqual(meant === undefined ? unused : { ...unused, meant });
});

describe('any object', () => {
  test.each([
    ['null', null, ': must be a Kubernetes object, is null'],
    ['a text', 'x', ': must be a Kubernetes object, is "x"'],
    ['a list of values', [], ': must be a Kubernetes object, is []'],
    ['no apiVersion', { kind: 'Service' }, 'apiVersion: is missing'],
    ['no kind', { apiVersion: 'v1' }, 'kind: is missing'],
    ['a kind that is a number', { apiVersion: 'v1', kind: 1 }, 'kind: must be a string, is 1'],
    ['no metadata', { apiVersion: 'v1', kind: 'Service' }, 'metadata.name: is missing'],
    ['an empty name', service({}, { name: '' }), 'metadata.name: is missing'],
    ['a name that is a number', service({}, { name: 7 }), 'metadata.name: must be a string, is 7'],
    ['a name with a slash', service({}, { name: 'a/b' }), 'metadata.name: must be at most 63 lower case letters'],
    ['a namespace in capitals', service({}, { namespace: 'Shop' }), 'metadata.namespace: must be at most 63'],
  ])('with %s is rejected', (_, raw, complaint) => {
    expect(read(raw)).toMatchObject({ outcome: 'rejected', ref: undefined });
    expect(complaintsOf(raw)).toEqual([expect.stringContaining(`error ${complaint}`)]);
  });

  test.each([
    ['apps/v1', 'Deployment'],
    ['networking.k8s.io/v1', 'Service'],
    ['v1', 'constructor'],
    ['v1', 'Endpoints'],
  ])('of kind %s %s is left alone', (apiVersion, kind) => {
    expect(read({ apiVersion, kind })).toEqual({ outcome: 'unused', kind: `${apiVersion} ${kind}` });
  });

  test('without a namespace is in "default"', () => {
    expect(objectOf(service({}, { namespace: null }))).toMatchObject({ namespace: 'default' });
  });

  test('that is rejected says who it is, so that its last good state can stay', () => {
    expect(read(service({ type: 'Odd' }))).toMatchObject({
      outcome: 'rejected',
      ref: { kind: 'Service', namespace: 'shop', name: 'cart' },
      complaints: [{ object: 'Service shop/cart' }],
    });
  });

  test('is told everything that is wrong with it at once', () => {
    expect(complaintsOf(service({ type: 'Odd', ports: [{ port: 0 }, { port: '80', name: 'a' }] }))).toEqual([
      'error spec.type: must be ClusterIP, NodePort, LoadBalancer or ExternalName, is "Odd"',
      'error spec.ports[0].port: must be 1 to 65535, is 0',
      'error spec.ports[1].port: must be a whole number, is "80"',
    ]);
  });

  test('may have any nonsense where Shunt does not look', () => {
    const raw = service({ selector: 7, healthCheckNodePort: 'x' }, { managedFields: 1, finalizers: {} });
    expect(objectOf({ ...raw, status: { conditions: 'no' } })).toEqual(objectOf(service()));
  });
});

describe('listItems', () => {
  test.each([
    ['a List', { apiVersion: 'v1', kind: 'List', items: [1, 2] }, [1, 2]],
    ['a list without items', { apiVersion: 'v1', kind: 'ServiceList', items: null }, []],
    ['a Service', service(), undefined],
    ['a kind that only ends in List', { apiVersion: 'example.com/v1', kind: 'AllowList', spec: {} }, undefined],
    ['a text', 'List', undefined],
  ])('of %s', (_, raw, items) => {
    expect(listItems(raw)).toEqual(items);
  });

  test('gives the items of a list of one kind that kind', () => {
    const { apiVersion, kind, ...bare } = service();
    expect(listItems({ apiVersion, kind: 'ServiceList', items: [bare] })).toEqual([{ ...bare, apiVersion, kind }]);
  });
});

test.each(['spec.ports[0].port', 'metadata.labels[kubernetes.io/service-name]', ''])(
  'the path "%s" is the same when it is put together again',
  (text) => {
    const joined = pathKeys(text).reduce(
      (path, key) => (/^\d|\./.test(key) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`),
      '',
    );
    expect(joined).toBe(text);
  },
);

describe('Service', () => {
  test('with only what is required has the documented defaults', () => {
    expect(objectOf(service())).toEqual({
      kind: 'Service',
      namespace: 'shop',
      name: 'cart',
      createdAtMs: Number.POSITIVE_INFINITY,
      type: 'ClusterIP',
      headless: false,
      proxyName: undefined,
      clusterIPs: ['10.96.0.5'],
      externalIPs: [],
      loadBalancerIPs: [],
      sourceRanges: false,
      ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: 0 }],
      affinityTimeoutS: 0,
      internalTrafficPolicy: 'Cluster',
      publishNotReadyAddresses: false,
    });
  });

  test.each([
    ['clusterIPs before clusterIP', { clusterIPs: ['10.96.0.5', 'FD00::5'] }, { clusterIPs: ['10.96.0.5', 'fd00::5'] }],
    ['no address yet', { clusterIP: null }, { clusterIPs: [], headless: false }],
    ['clusterIP None', { clusterIP: 'None' }, { clusterIPs: [], headless: true }],
    ['clusterIPs None', { clusterIP: 'None', clusterIPs: ['None'] }, { clusterIPs: [], headless: true }],
    ['headless, without ports', { clusterIP: 'None', ports: null }, { headless: true, ports: [] }],
    ['ExternalName', { type: 'ExternalName', clusterIP: '', ports: [] }, { type: 'ExternalName', clusterIPs: [] }],
    ['ExternalName with a stale address', { type: 'ExternalName' }, { clusterIPs: [] }],
    ['NodePort', { type: 'NodePort' }, { type: 'NodePort' }],
    ['affinity by default for three hours', { sessionAffinity: 'ClientIP' }, { affinityTimeoutS: 10_800 }],
    [
      'affinity for a time',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } },
      { affinityTimeoutS: 600 },
    ],
    [
      'a time without affinity',
      { sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } },
      { affinityTimeoutS: 0 },
    ],
    ['internalTrafficPolicy Local', { internalTrafficPolicy: 'Local' }, { internalTrafficPolicy: 'Local' }],
    ['not-ready addresses', { publishNotReadyAddresses: true }, { publishNotReadyAddresses: true }],
    [
      'one number under two protocols, SCTP as well',
      {
        ports: [
          { name: 'a', port: 53, protocol: 'UDP' },
          { name: 'b', port: 53 },
          { name: 'c', port: 53, protocol: 'SCTP' },
        ],
      },
      {
        ports: [
          { name: 'a', protocol: 'UDP', port: 53 },
          { name: 'b', protocol: 'TCP', port: 53 },
          { name: 'c', protocol: 'SCTP', port: 53 },
        ],
      },
    ],
  ])('%s', (_, spec, expected) => {
    expect(complaintsOf(service(spec))).toEqual([]);
    expect(objectOf(service(spec))).toMatchObject(expected);
  });

  test.each([
    ['headless by label', { labels: { 'service.kubernetes.io/headless': '' } }, { headless: true, clusterIPs: [] }],
    ['another proxy', { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } }, { proxyName: 'other' }],
    ['its age', { creationTimestamp: '2026-11-22T22:51:17Z' }, { createdAtMs: Date.UTC(2026, 10, 22, 22, 51, 17) }],
    ['a label that names no proxy', { labels: { 'service.kubernetes.io/service-proxy-name': '' } }, { proxyName: '' }],
    ['no age yet', { creationTimestamp: null }, { createdAtMs: Number.POSITIVE_INFINITY }],
  ])('has %s', (_, metadata, expected) => {
    expect(complaintsOf(service({}, metadata))).toEqual([]);
    expect(objectOf(service({}, metadata))).toMatchObject(expected);
  });

  test.each([
    ['no ports', { ports: [] }, 'spec.ports: must have at least one port'],
    ['ports that are an object', { ports: {} }, 'spec.ports: must be a list, is {}'],
    ['a port that is a number', { ports: [80, { name: 'a', port: 81 }] }, 'spec.ports[0]: must be an object, is 80'],
    ['a port without number', { ports: [{ name: 'a' }, { name: 'b', port: 1 }] }, 'spec.ports[0].port: is missing'],
    [
      'a fractional port',
      { ports: [{ port: 1.5 }, { name: 'a', port: 1 }] },
      'spec.ports[0].port: must be a whole number, is 1.5',
    ],
    [
      'a port above 65535',
      { ports: [{ port: 65_536 }, { name: 'a', port: 1 }] },
      'spec.ports[0].port: must be 1 to 65535, is 65536',
    ],
    [
      'an unknown protocol',
      { ports: [{ port: 1, protocol: 'tcp' }] },
      'spec.ports[0].protocol: must be TCP, UDP or SCTP, is "tcp"',
    ],
    ['a nameless second port', { ports: [{ name: 'a', port: 1 }, { port: 2 }] }, 'spec.ports[1].name: is missing'],
    [
      'the same port name twice',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      'spec.ports[1].name: "a" is the name of an earlier port',
    ],
    [
      'the same port twice',
      {
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1 },
        ],
      },
      'spec.ports[1].port: 1/TCP is an earlier port',
    ],
    ['a port name with a slash', { ports: [{ name: 'a/b', port: 1 }] }, 'spec.ports[0].name: must be at most 63'],
    ['no address', { clusterIP: 'x' }, 'spec.clusterIPs[0]: "x" is not an IP address'],
    ['a mapped address', { clusterIP: '::ffff:10.96.0.5' }, 'spec.clusterIPs[0]: "::ffff:10.96.0.5" is an IPv4-mapped'],
    ['a loopback address', { clusterIP: '127.0.0.1' }, 'spec.clusterIPs[0]: "127.0.0.1" is loopback'],
    [
      'two addresses of a family',
      { clusterIPs: ['10.96.0.5', '10.96.0.6'] },
      'spec.clusterIPs[1]: is a second IPv4 address',
    ],
    [
      'clusterIPs that contradict clusterIP',
      { clusterIPs: ['10.96.0.6'] },
      'spec.clusterIPs: must begin with the value of clusterIP, "10.96.0.5"',
    ],
    [
      'None and an address',
      { clusterIP: 'None', clusterIPs: ['None', 'fd00::1'] },
      'spec.clusterIPs: must not hold "None"',
    ],
    ['an address that is a number', { clusterIPs: [7, '10.96.0.5'] }, 'spec.clusterIPs[0]: must be a string, is 7'],
    [
      'an unknown affinity',
      { sessionAffinity: 'Cookie' },
      'spec.sessionAffinity: must be None or ClientIP, is "Cookie"',
    ],
    [
      'affinity for no time',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: must be 1 to 86400, is 0',
    ],
    [
      'affinity for two days',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 172_800 } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: must be 1 to 86400, is 172800',
    ],
    [
      'an unknown traffic policy',
      { internalTrafficPolicy: 'Zone' },
      'spec.internalTrafficPolicy: must be Cluster or Local, is "Zone"',
    ],
    [
      'a text for a truth value',
      { publishNotReadyAddresses: 'yes' },
      'spec.publishNotReadyAddresses: must be true or false, is "yes"',
    ],
  ])('with %s is rejected', (_, spec, complaint) => {
    expect(read(service(spec)).outcome).toBe('rejected');
    expect(complaintsOf(service(spec))).toEqual([expect.stringContaining(`error ${complaint}`)]);
  });

  test('with a creation time that is none is rejected', () => {
    expect(complaintsOf(service({}, { creationTimestamp: 'yesterday' }))).toEqual([
      'error metadata.creationTimestamp: must be a time such as "2026-01-02T03:04:05Z", is "yesterday"',
    ]);
  });
});

describe('EndpointSlice', () => {
  test('with only what is required has the documented defaults', () => {
    expect(objectOf(slice())).toEqual({
      kind: 'EndpointSlice',
      namespace: 'shop',
      name: 'cart-x',
      service: 'cart',
      family: 4,
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      endpoints: [
        {
          address: '10.244.1.1',
          ready: true,
          serving: true,
          terminating: false,
          node: '',
          zone: '',
          hints: { zones: [], nodes: [] },
          pod: '',
        },
      ],
      triggeredAtMs: 0,
    });
  });

  test.each([
    ['no conditions', undefined, { ready: true, serving: true, terminating: false }],
    [
      'null conditions',
      { ready: null, serving: null, terminating: null },
      { ready: true, serving: true, terminating: false },
    ],
    ['not ready, serving unknown', { ready: false }, { ready: false, serving: true, terminating: false }],
    ['ready, serving unknown', { ready: true }, { ready: true, serving: true, terminating: false }],
    [
      'terminating and serving',
      { ready: false, serving: true, terminating: true },
      { ready: false, serving: true, terminating: true },
    ],
  ])('endpoint with %s', (_, conditions, expected) => {
    const raw = slice({ endpoints: [{ addresses: ['10.244.1.1'], conditions }] });
    expect(objectOf(raw)).toMatchObject({ endpoints: [expected] });
  });

  test('keeps node, zone and Pod, and no other target', () => {
    const place = { addresses: ['10.244.1.1'], nodeName: 'node-a', zone: 'zone-1' };
    const raw = slice({
      endpoints: [
        { ...place, targetRef: { kind: 'Pod', name: 'cart-1' } },
        { ...place, targetRef: { kind: 'VirtualMachine', name: 'vm' } },
      ],
    });
    expect(objectOf(raw)).toMatchObject({
      endpoints: [
        { node: 'node-a', zone: 'zone-1', pod: 'cart-1' },
        { node: 'node-a', zone: 'zone-1', pod: '' },
      ],
    });
  });

  test.each([
    ['labels', { rack: 'r1', constructor: '' }, { labels: { rack: 'r1', constructor: '' } }],
    ['no labels', {}, {}],
    ['labels of null', null, {}],
  ])('keeps %s of an endpoint', (_, deprecatedTopology, expected) => {
    const found = objectOf(slice({ endpoints: [{ addresses: ['10.244.1.1'], deprecatedTopology }] }));
    const { endpoints } = objectOf(slice()) as EndpointSliceObject;
    expect(found).toMatchObject({ endpoints: [{ ...endpoints[0], ...expected }] });
    expect('labels' in ((found as EndpointSliceObject).endpoints[0] ?? {})).toBe('labels' in expected);
  });

  test('takes the first of several addresses', () => {
    expect(objectOf(slice({ endpoints: [{ addresses: ['10.244.1.1', '10.244.1.2'] }] }))).toMatchObject({
      endpoints: [{ address: '10.244.1.1' }],
    });
  });

  test.each([
    ['null endpoints', { endpoints: null }, { endpoints: [] }],
    ['null ports', { ports: null }, { ports: [] }],
    ['no ports', { ports: [] }, { ports: [] }],
    [
      'a null port name and protocol',
      { ports: [{ name: null, port: 1, protocol: null }] },
      { ports: [{ name: '', protocol: 'TCP', port: 1 }] },
    ],
    [
      'IPv6',
      { addressType: 'IPv6', endpoints: [{ addresses: ['FD00::1'] }] },
      { family: 6, endpoints: [{ address: 'fd00::1' }] },
    ],
  ])('with %s', (_, fields, expected) => {
    expect(complaintsOf(slice(fields))).toEqual([]);
    expect(objectOf(slice(fields))).toMatchObject(expected);
  });

  test('leaves out a port without number, which means all ports, with a warning', () => {
    const raw = slice({ ports: [{ name: 'any' }, { name: 'http', port: 80 }] });
    expect(objectOf(raw)).toMatchObject({ ports: [{ name: 'http', port: 80 }] });
    expect(complaintsOf(raw)).toEqual([
      'warning ports[0].port: is missing, which means all ports: such a port is left out',
    ]);
  });

  test('tells when its change was triggered', () => {
    const annotated = (time: string) =>
      slice({}, { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': time } });
    expect(objectOf(annotated('2026-11-22T09:00:00.5Z'))).toMatchObject({
      triggeredAtMs: Date.UTC(2026, 10, 22, 9, 0, 0, 500),
    });
    expect(objectOf(annotated('soon'))).toMatchObject({ triggeredAtMs: 0 });
    expect(complaintsOf(annotated('soon'))).toEqual([
      expect.stringContaining('warning metadata.annotations[endpoints.kubernetes.io/last-change-trigger-time]'),
    ]);
  });

  test.each([
    [
      'of names',
      slice({ addressType: 'FQDN', endpoints: [{ addresses: ['a.example'] }] }),
      'note addressType: is FQDN',
    ],
    ['of no Service', slice({}, { labels: null }), 'note metadata.labels[kubernetes.io/service-name]: is missing'],
    [
      'of a headless Service',
      slice({}, { labels: { 'kubernetes.io/service-name': 'cart', 'service.kubernetes.io/headless': '' } }),
      'note metadata.labels[service.kubernetes.io/headless]: is present',
    ],
  ])('%s asks for nothing', (_, raw, complaint) => {
    expect(read(raw)).toMatchObject({
      outcome: 'nothing',
      ref: { kind: 'EndpointSlice', namespace: 'shop', name: 'cart-x' },
    });
    expect(complaintsOf(raw)).toEqual([expect.stringContaining(complaint)]);
  });

  const withAddress = (address: unknown, addressType = 'IPv4') =>
    slice({
      addressType,
      endpoints: [{ addresses: [addressType === 'IPv4' ? '10.1.1.1' : 'fd00::1'] }, { addresses: [address] }],
    });

  test.each([
    ['no addressType', slice({ addressType: null }), 'addressType: must be IPv4, IPv6 or FQDN, is ""'],
    [
      'an IPv6 address among IPv4',
      withAddress('fd00::1'),
      'endpoints[1].addresses[0]: "fd00::1" is an IPv6 address in a slice of addressType IPv4',
    ],
    [
      'an IPv4 address among IPv6',
      withAddress('10.0.0.1', 'IPv6'),
      'endpoints[1].addresses[0]: "10.0.0.1" is an IPv4 address in a slice of addressType IPv6',
    ],
    [
      'a mapped address',
      withAddress('::ffff:10.0.0.1', 'IPv6'),
      'endpoints[1].addresses[0]: "::ffff:10.0.0.1" is an IPv4-mapped',
    ],
    ['an unspecified address', withAddress('0.0.0.0'), 'endpoints[1].addresses[0]: "0.0.0.0" is unspecified'],
    ['a loopback address', withAddress('127.0.0.1'), 'endpoints[1].addresses[0]: "127.0.0.1" is loopback'],
    [
      'a link-local address',
      withAddress('169.254.169.254'),
      'endpoints[1].addresses[0]: "169.254.169.254" is link-local',
    ],
    ['a multicast address', withAddress('224.0.0.251'), 'endpoints[1].addresses[0]: "224.0.0.251" is multicast'],
    ['an IPv6 loopback address', withAddress('::1', 'IPv6'), 'endpoints[1].addresses[0]: "::1" is loopback'],
    [
      'an IPv6 link-local address',
      withAddress('fe80::1', 'IPv6'),
      'endpoints[1].addresses[0]: "fe80::1" is link-local',
    ],
    [
      'a bad second address',
      slice({ endpoints: [{ addresses: ['10.1.1.1', '127.0.0.1'] }] }),
      'endpoints[0].addresses[1]: "127.0.0.1" is loopback',
    ],
    ['an address that is a number', withAddress(7), 'endpoints[1].addresses[0]: must be a string, is 7'],
    [
      'an endpoint without address',
      slice({ endpoints: [{ addresses: [] }] }),
      'endpoints[0].addresses: must have at least one address',
    ],
    [
      '1001 endpoints',
      slice({ endpoints: new Array(1001).fill({ addresses: ['10.1.1.1'] }) }),
      'endpoints: must have at most 1000 entries, has 1001',
    ],
    [
      'a condition that is a text',
      slice({ endpoints: [{ addresses: ['10.1.1.1'], conditions: { ready: 'true' } }] }),
      'endpoints[0].conditions.ready: must be true or false, is "true"',
    ],
    [
      'a node that is a number',
      slice({ endpoints: [{ addresses: ['10.1.1.1'], nodeName: 1 }] }),
      'endpoints[0].nodeName: must be a string, is 1',
    ],
    [
      'a label that is a number',
      slice({ endpoints: [{ addresses: ['10.1.1.1'], deprecatedTopology: { rack: 1 } }] }),
      'endpoints[0].deprecatedTopology.rack: must be a string, is 1',
    ],
    [
      'the same port name twice',
      slice({ ports: [{ port: 1 }, { name: '', port: 2 }] }),
      'ports[1].name: "" is the name of an earlier port',
    ],
    ['a port out of range', slice({ ports: [{ port: 70_000 }] }), 'ports[0].port: must be 1 to 65535, is 70000'],
    [
      'a wrong endpoint of no Service',
      slice({ endpoints: [{}] }, { labels: {} }),
      'endpoints[0].addresses: must have at least one address',
    ],
  ])('with %s is rejected', (_, raw, complaint) => {
    expect(read(raw).outcome).toBe('rejected');
    expect(complaintsOf(raw)[0]).toContain(`error ${complaint}`);
    expect(complaintsOf(raw).filter((text) => text.startsWith('error'))).toHaveLength(1);
  });
});

describe('addresses from outside', () => {
  const ingress = (...entries: readonly object[]) => ({ loadBalancer: { ingress: entries } });
  const balanced = (status: object) => objectOf({ ...service({ type: 'LoadBalancer' }), status });

  test.each([
    ['an address', ingress({ ip: '203.0.113.1' }), ['203.0.113.1']],
    [
      'several, one of them twice',
      ingress({ ip: '203.0.113.1' }, { ip: 'FD00::1' }, { ip: 'fd00::1' }),
      ['203.0.113.1', 'fd00::1'],
    ],
    ['a host name', ingress({ hostname: 'lb.example.com' }), []],
    ['ipMode VIP', ingress({ ip: '203.0.113.1', ipMode: 'VIP' }), ['203.0.113.1']],
    ['ipMode Proxy: the load balancer itself must be asked', ingress({ ip: '203.0.113.1', ipMode: 'Proxy' }), []],
    ['none yet', {}, []],
  ])('of a load balancer with %s', (_, status, loadBalancerIPs) => {
    expect(balanced(status)).toMatchObject({ loadBalancerIPs });
  });

  test('are not taken from a status that a Service of another type has left', () => {
    expect(objectOf({ ...service(), status: ingress({ ip: '203.0.113.1' }) })).toMatchObject({ loadBalancerIPs: [] });
  });

  test.each(['127.0.0.1', '169.254.1.1', 'elsewhere'])(
    'that cannot be served are left out with a warning: %s',
    (text) => {
      const found = read(service({ externalIPs: ['203.0.113.1', text] }));
      expect(found).toMatchObject({
        outcome: 'object',
        object: { externalIPs: ['203.0.113.1'] },
        complaints: [{ severity: 'warning', path: 'spec.externalIPs[1]' }],
      });
    },
  );

  test.each([
    ['ClusterIP', 0],
    ['NodePort', 30_080],
    ['LoadBalancer', 30_080],
  ])('a Service of type %s has node port %d', (type, nodePort) => {
    expect(objectOf(service({ type, ports: [{ port: 80, nodePort: 30_080 }] }))).toMatchObject({
      ports: [{ nodePort }],
    });
  });
});

describe('hints', () => {
  const hinted = (hints: unknown) => objectOf(slice({ endpoints: [{ addresses: ['10.244.1.1'], hints }] }));

  test.each([
    ['none', null, { zones: [], nodes: [] }],
    ['zones', { forZones: [{ name: 'z1' }, { name: 'z2' }] }, { zones: ['z1', 'z2'], nodes: [] }],
    ['a zone and a node', { forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] }, { zones: ['z1'], nodes: ['n1'] }],
    ['empty lists', { forZones: [], forNodes: [] }, { zones: [], nodes: [] }],
  ])('%s', (_, raw, hints) => {
    expect(hinted(raw)).toMatchObject({ endpoints: [{ hints }] });
  });
});
