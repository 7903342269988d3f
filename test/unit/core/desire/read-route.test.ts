import { describe, expect, test } from 'vitest';
import { complaintsOf, objectOf, read } from '../../../helpers/reading.ts';

const PARENT = { group: '', kind: 'Service', name: 'cart' };

const route = (kind: string, spec: object = {}, fields: object = {}) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind,
  metadata: { name: 'canary', namespace: 'shop' },
  spec: { parentRefs: [PARENT], rules: [{ backendRefs: [{ name: 'cart-v1', port: 80 }] }], ...spec },
  ...fields,
});

const parented = (...parentRefs: readonly unknown[]) => route('TCPRoute', { parentRefs });
const backed = (...backendRefs: readonly unknown[]) => route('TCPRoute', { rules: [{ backendRefs }] });
const ruled = (kind: string, rule: object) =>
  route(kind, { rules: [{ backendRefs: [{ name: 'a', port: 1 }], ...rule }] });

describe('a route', () => {
  test('is read whole', () => {
    const raw = route(
      'TCPRoute',
      {
        parentRefs: [PARENT, { ...PARENT, namespace: 'other', port: 443, sectionName: 'tls' }],
        rules: [
          {
            name: 'shares',
            backendRefs: [
              { name: 'cart-v1', port: 80, weight: 95 },
              { group: '', kind: 'Service', namespace: 'next', name: 'cart-v2', port: 8080, weight: 1_000_000 },
              { name: 'cart-v3', port: 80, weight: 0 },
            ],
          },
        ],
      },
      { metadata: { name: 'a.b', namespace: 'shop', generation: 3, creationTimestamp: '2026-11-22T22:51:17Z' } },
    );
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toEqual({
      kind: 'TCPRoute',
      namespace: 'shop',
      name: 'a.b',
      apiVersion: 'gateway.networking.k8s.io/v1',
      createdAtMs: Date.UTC(2026, 10, 22, 22, 51, 17),
      generation: 3,
      parents: [
        { namespace: 'shop', name: 'cart', port: undefined, sectionName: '' },
        { namespace: 'other', name: 'cart', port: 443, sectionName: 'tls' },
      ],
      backends: [
        { namespace: 'shop', name: 'cart-v1', port: 80, weight: 95, invalidKind: '' },
        { namespace: 'next', name: 'cart-v2', port: 8080, weight: 1_000_000, invalidKind: '' },
        { namespace: 'shop', name: 'cart-v3', port: 80, weight: 0, invalidKind: '' },
      ],
      unsupported: '',
      narrowed: false,
    });
  });

  test.each<{ name: string; meant: boolean; warns: boolean }>([
    { name: 'shunt.dev/narowed', meant: true, warns: true },
    { name: 'shunt.dev/Narrowed', meant: true, warns: true },
    { name: 'shunt.dv/narrowed', meant: true, warns: true },
    { name: 'shunt.dev/retries', meant: false, warns: true },
    { name: 'example.com/narrowed', meant: false, warns: false },
    { name: 'narrowed', meant: false, warns: false },
  ])(
    'with annotation $name, which may be meant to narrow it ($meant), is for nobody then',
    ({ name, meant, warns }) => {
      const raw = { ...route('TCPRoute'), metadata: { name: 'a', annotations: { [name]: 'true' } } };
      expect(objectOf(raw)).toMatchObject({
        narrowed: meant,
        unsupported: meant ? `annotation ${name}, which is not known here` : '',
      });
      const about = `warning metadata.annotations[${name}]: is not known here`;
      expect(complaintsOf(raw)).toEqual(warns ? [`${about}${meant ? ': is shunt.dev/narrowed meant?' : ''}`] : []);
    },
  );

  test.each([
    ['true', { narrowed: true, unsupported: '' }],
    ['false', { narrowed: false, unsupported: '' }],
    ['yes', { unsupported: 'annotation shunt.dev/narrowed, which must be "true" or "false"' }],
    [true, { unsupported: 'annotation shunt.dev/narrowed, which must be "true" or "false"' }],
  ])('that says of itself that it is narrowed (%j) is so, or is not in force', (value, want) => {
    const metadata = { name: 'a', annotations: { 'shunt.dev/narrowed': value } };
    const spec = { parentRefs: [{ group: '', kind: 'Service', name: 'cart' }] };
    expect(
      objectOf(route('TCPRoute', { ...spec, rules: [{ backendRefs: [{ name: 'b', port: 1 }] }] }, { metadata })),
    ).toMatchObject(want);
  });

  test('has the documented defaults', () => {
    expect(objectOf(route('UDPRoute'))).toMatchObject({
      createdAtMs: Number.POSITIVE_INFINITY,
      generation: 0,
      backends: [{ namespace: 'shop', port: 80, weight: 1 }],
    });
  });

  test.each([
    ['TCPRoute', 'v1'],
    ['TCPRoute', 'v1alpha2'],
    ['TLSRoute', 'v1'],
    ['TLSRoute', 'v1alpha3'],
    ['TLSRoute', 'v1alpha2'],
    ['UDPRoute', 'v1'],
    ['UDPRoute', 'v1alpha2'],
    ['HTTPRoute', 'v1'],
    ['HTTPRoute', 'v1beta1'],
    ['GRPCRoute', 'v1'],
    ['GRPCRoute', 'v1alpha2'],
  ])('of kind %s is read in version %s, and says so', (kind, version) => {
    const apiVersion = `gateway.networking.k8s.io/${version}`;
    expect(objectOf(route(kind, {}, { apiVersion }))).toMatchObject({ kind, apiVersion, unsupported: '' });
  });

  test.each([
    ['no parent', route('TCPRoute', { parentRefs: null })],
    ['a Gateway, which is the default', parented({ name: 'cart' })],
    ['a Service of another group', parented({ group: 'example.com', kind: 'Service', name: 'cart' })],
    ['a kind of the group of Service', parented({ group: '', kind: 'Secret', name: 'cart' })],
    ['a Gateway, and mistakes that are not ours', route('TCPRoute', { parentRefs: [{ name: 'a' }], rules: 7 })],
  ])('asks for nothing with %s for a parent', (_, raw) => {
    expect(read(raw)).toEqual({
      outcome: 'nothing',
      ref: { kind: 'TCPRoute', namespace: 'shop', name: 'canary' },
      complaints: [],
    });
  });

  test('says so of a Service that is named without its group, which is nobody', () => {
    expect(complaintsOf(parented({ kind: 'Service', name: 'cart' }))).toEqual([
      'warning spec.parentRefs[0]: is for nobody: a Service needs `group: ""`',
    ]);
  });

  test.each([
    ['parentRef', ': is parentRefs meant?'],
    ['parentrefs', ': is parentRefs meant?'],
    ['hostnames', undefined],
  ])('with %s in place of parentRefs is for nobody, and says so where that may be meant (%s)', (field, meant) => {
    const raw = route('TCPRoute', { parentRefs: undefined, [field]: [PARENT] });
    const says = `warning spec.${field}: is not known here${meant} Without it the route is for nobody`;
    expect(complaintsOf(raw)).toEqual(meant === undefined ? [] : [says]);
  });

  test('keeps only those of its parents that are Services', () => {
    expect(objectOf(parented({ name: 'gateway' }, PARENT))).toMatchObject({ parents: [{ name: 'cart' }] });
  });

  test.each([
    ['no port', { name: 'a' }, { port: undefined, invalidKind: '' }],
    [
      'another kind',
      { group: 'multicluster.x-k8s.io', kind: 'ServiceImport', name: 'a', port: 1 },
      { invalidKind: 'is a ServiceImport of group "multicluster.x-k8s.io", not a Service' },
    ],
    ['a name that no Service has', { name: 'No.Such', port: 1 }, { name: 'No.Such', invalidKind: '' }],
  ])('keeps a backend with %s, whose share stays', (_, backend, expected) => {
    expect(complaintsOf(backed(backend))).toEqual([]);
    expect(objectOf(backed(backend))).toMatchObject({ backends: [expected] });
  });

  test.each([
    ['without backendRefs', route('TCPRoute', { rules: [{}] }, { apiVersion: 'gateway.networking.k8s.io/v1alpha2' })],
    ['with none in its list', backed()],
  ])('whose rule is %s refuses everything, and says so', (_, raw) => {
    expect(objectOf(raw)).toMatchObject({ backends: [], unsupported: '' });
    expect(complaintsOf(raw)).toEqual(['warning spec.rules[0].backendRefs: names no Service: everything is refused']);
  });

  test.each([
    ['parents that are an object', route('TCPRoute', { parentRefs: {} }), 'spec.parentRefs: must be a list, is {}'],
    ['a parent that is a name', parented('cart'), 'spec.parentRefs[0]: must be an object, is "cart"'],
    ['a parent without a name', parented({ group: '', kind: 'Service' }), 'spec.parentRefs[0].name: is missing'],
    ['a port 0 of a parent', parented({ ...PARENT, port: 0 }), 'spec.parentRefs[0].port: must be 1 to 65535, is 0'],
    [
      'a namespace in capitals',
      parented({ ...PARENT, namespace: 'Shop' }),
      'spec.parentRefs[0].namespace: must be at most 63 lower case letters',
    ],
    [
      'the same parent twice',
      parented(PARENT, { ...PARENT, namespace: 'shop' }),
      'spec.parentRefs[1]: is the same as an earlier parent',
    ],
    [
      'too many parents',
      parented(...Array.from({ length: 33 }, (_, port) => ({ ...PARENT, port: port + 1 }))),
      'spec.parentRefs: must have at most 32 entries, has 33',
    ],
    ['no rules', route('TCPRoute', { rules: [] }), 'spec.rules: must have one rule'],
    ['a rule that is a text', route('HTTPRoute', { rules: ['a'] }), 'spec.rules[0]: must be an object, is "a"'],
    ['a backend without a name', backed({ port: 1 }), 'spec.rules[0].backendRefs[0].name: is missing'],
    [
      'a negative weight',
      backed({ name: 'a', port: 1, weight: -1 }),
      'spec.rules[0].backendRefs[0].weight: must be 0 to 1000000, is -1',
    ],
    [
      'a weight above a million',
      backed({ name: 'a', port: 1, weight: 1_000_001 }),
      'spec.rules[0].backendRefs[0].weight: must be 0 to 1000000, is 1000001',
    ],
    [
      'a fractional weight',
      backed({ name: 'a', port: 1, weight: 0.5 }),
      'spec.rules[0].backendRefs[0].weight: must be a whole number, is 0.5',
    ],
    [
      'too many backends',
      backed(...new Array(17).fill({ name: 'a', port: 1 })),
      'spec.rules[0].backendRefs: must have at most 16 entries, has 17',
    ],
  ])('with %s is rejected', (_, raw, complaint) => {
    expect(read(raw)).toMatchObject({ outcome: 'rejected', ref: { namespace: 'shop', name: 'canary' } });
    expect(complaintsOf(raw)).toEqual([expect.stringContaining(`error ${complaint}`)]);
  });
});

const V1ALPHA2 = 'gateway.networking.k8s.io/v1alpha2';

test.each([
  { apiVersion: V1ALPHA2, hostnames: undefined, warns: false },
  { apiVersion: 'gateway.networking.k8s.io/v1alpha3', hostnames: undefined, warns: true },
  { apiVersion: 'gateway.networking.k8s.io/v1', hostnames: [], warns: true },
  { apiVersion: 'gateway.networking.k8s.io/v1', hostnames: ['a.example'], warns: false },
])(
  'a TLSRoute of $apiVersion with hostnames $hostnames warns that servers refuse it: $warns',
  ({ warns, ...fields }) => {
    const { apiVersion, hostnames } = fields;
    const said = complaintsOf(route('TLSRoute', { hostnames }, { apiVersion }));
    expect(said).toEqual(
      warns ? [expect.stringMatching(/^warning spec\.hostnames: is empty, .*a TCPRoute shares/)] : [],
    );
  },
);

describe('what shares of connections cannot do', () => {
  const REQUESTS = 'is for requests, which are not looked into';
  const DEFAULT_PATH = { type: 'PathPrefix', value: '/' };

  test.each([
    ['hostnames', route('HTTPRoute', { hostnames: ['a.example'] }), `spec.hostnames: ${REQUESTS}`],
    [
      'names within TLS',
      route('TLSRoute', { hostnames: ['a.example'] }),
      'spec.hostnames: is for names within TLS, which is not looked into',
    ],
    [
      'two rules',
      route('HTTPRoute', { rules: [{}, {}] }),
      'spec.rules: has 2 rules; connections are shared by a single one',
    ],
    [
      'two rules of an older TCPRoute',
      route('TCPRoute', { rules: new Array(2).fill({ backendRefs: [{ name: 'a', port: 1 }] }) }),
      'spec.rules: has 2 rules; connections are shared by a single one',
    ],
    [
      'a path',
      ruled('HTTPRoute', { matches: [{ path: { type: 'PathPrefix', value: '/a' } }] }),
      `spec.rules[0].matches[0].path: ${REQUESTS}`,
    ],
    [
      'exactly the root',
      ruled('HTTPRoute', { matches: [{ path: { type: 'Exact', value: '/' } }] }),
      `spec.rules[0].matches[0].path: ${REQUESTS}`,
    ],
    [
      'a header besides the default path',
      ruled('HTTPRoute', { matches: [{ path: DEFAULT_PATH, headers: [{ name: 'a', value: 'b' }] }] }),
      `spec.rules[0].matches[0].headers: ${REQUESTS}`,
    ],
    [
      'a second match',
      ruled('HTTPRoute', { matches: [{ path: DEFAULT_PATH }, { method: 'GET' }] }),
      `spec.rules[0].matches[1].method: ${REQUESTS}`,
    ],
    [
      'a path of a GRPCRoute, which has none',
      ruled('GRPCRoute', { matches: [{ path: DEFAULT_PATH }] }),
      `spec.rules[0].matches[0].path: ${REQUESTS}`,
    ],
    [
      'a method',
      ruled('GRPCRoute', { matches: [{ method: { service: 'Cart' } }] }),
      `spec.rules[0].matches[0].method: ${REQUESTS}`,
    ],
    ['a filter', ruled('HTTPRoute', { filters: [{ type: 'URLRewrite' }] }), `spec.rules[0].filters: ${REQUESTS}`],
    ['a timeout', ruled('HTTPRoute', { timeouts: { request: '1s' } }), `spec.rules[0].timeouts: ${REQUESTS}`],
    ['retries', ruled('HTTPRoute', { retry: { attempts: 1 } }), `spec.rules[0].retry: ${REQUESTS}`],
    [
      'sticky sessions',
      ruled('GRPCRoute', { sessionPersistence: { sessionName: 'a' } }),
      `spec.rules[0].sessionPersistence: ${REQUESTS}`,
    ],
    [
      'a filter of a backend',
      ruled('HTTPRoute', {
        backendRefs: [
          { name: 'a', port: 1 },
          { name: 'b', port: 1, filters: [{ type: 'A' }] },
        ],
      }),
      `spec.rules[0].backendRefs[1].filters: ${REQUESTS}`,
    ],
    ['a field of another day', ruled('TCPRoute', { mirror: true }), 'spec.rules[0].mirror: is not known here'],
    [
      'a field that is spelt wrong',
      ruled('TCPRoute', { backendRefs: [{ name: 'a', port: 1, weigth: 5 }] }),
      'spec.rules[0].backendRefs[0].weigth: is not known here: is weight meant?',
    ],
    [
      'a list of backends that is spelt wrong',
      route('TCPRoute', { rules: [{ backendRef: [{ name: 'a', port: 1 }] }] }),
      'spec.rules[0].backendRef: is not known here: is backendRefs meant?',
    ],
    ['a match of a TCPRoute', ruled('TCPRoute', { matches: [{}] }), 'spec.rules[0].matches: is not known here'],
  ])('%s is told', (_, raw, unsupported) => {
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toMatchObject({ unsupported, backends: expect.any(Array) });
  });

  test.each([
    ['no rules, of which one is the default', route('HTTPRoute', { rules: null })],
    ['a rule without backends', route('GRPCRoute', { rules: [{}] })],
    ['the path that an API server fills in', ruled('HTTPRoute', { matches: [{ path: DEFAULT_PATH }] })],
    ['a path of nothing but defaults', ruled('HTTPRoute', { matches: [{ path: {} }, {}] })],
    ['empty lists', ruled('HTTPRoute', { matches: [], filters: [], timeouts: {}, retry: null })],
    ['no hostnames', route('HTTPRoute', { hostnames: [], useDefaultGateways: 'None' })],
    ['a match of anything', ruled('GRPCRoute', { matches: [{ headers: [] }] })],
    ['no hostnames of a TLSRoute', route('TLSRoute', { hostnames: [] }, { apiVersion: V1ALPHA2 })],
    ['a name of the rule', ruled('UDPRoute', { name: 'shares' })],
  ])('has nothing to do with %s', (_, raw) => {
    expect(complaintsOf(raw)).toEqual([]);
    expect(objectOf(raw)).toMatchObject({ unsupported: '' });
  });
});
