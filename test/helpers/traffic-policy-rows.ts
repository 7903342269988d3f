/** TrafficPolicies, and whether they are right: to the agent's reader, and to an API server with our definition of them. */
export interface TrafficPolicyRow {
  readonly title: string;
  readonly spec: unknown;
  readonly right: boolean;
  /**
   * Wrong to the reader, and yet right to some API servers. `dropped`: to all, because they drop fields that they do not
   * know before anybody sees them. `names`: to all, because a schema says nothing of names in a map. `rules`: to those
   * before 1.25, which do not know `x-kubernetes-validations`. `stored`: right to the reader, for an API server took it by an
   * earlier rule, and has it still; and by its rules now it is wrong.
   */
  readonly but?: 'dropped' | 'names' | 'rules' | 'stored';
}

const TARGET = { kind: 'Service', name: 'cart' };
const ROUTE = { group: 'gateway.networking.k8s.io', kind: 'TCPRoute', name: 'cart' };
const LONGEST = 'a'.repeat(63);

const targets = (...targetRefs: readonly unknown[]): object => ({ targetRefs });
const weights = (...endpointWeights: readonly unknown[]): object => ({ targetRefs: [TARGET], endpointWeights });

const choice = (fields: object): object => ({ targetRefs: [TARGET], ...fields });
const slowStart = (duration: unknown): object => choice({ slowStart: { duration } });
const clients = (selector: unknown): object => choice({ clients: selector });
const expression = (fields: object): object =>
  clients({ matchExpressions: [{ key: 'app', operator: 'In', ...fields }] });
const labels = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, `value-${index}`]));

const manyTargets = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({ ...TARGET, name: `cart-${index}` }));
const manyEntries = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({ pod: `cart-${index}-*`, weight: 1 }));

const RIGHT: readonly (readonly [title: string, spec: unknown])[] = [
  ['a target', targets(TARGET)],
  ['a target with its group', targets({ group: '', ...TARGET })],
  ['a target without a kind', targets({ name: 'cart' })],
  ['two targets', targets(TARGET, { kind: 'Service', name: 'other' })],
  ['a target that begins with a digit', targets({ ...TARGET, name: '1-a' })],
  ['the longest name of a target', targets({ ...TARGET, name: LONGEST })],
  ['no entries of weights', weights()],
  ['a weight for all', weights({ weight: 1 })],
  ['the smallest weight', weights({ pod: 'a', weight: 0 })],
  ['the largest weight', weights({ pod: 'a', weight: 1000 })],
  ['a pattern of a Pod, a node and a zone', weights({ pod: 'a-*', node: 'node-1', zone: 'z1', weight: 5 })],
  ['the same entry twice', weights({ pod: 'a', weight: 5 }, { pod: 'a', weight: 5 })],
  ['a pattern of strange characters', weights({ pod: 'A_ü /', weight: 5 })],
  ['the longest pattern', weights({ pod: 'ü'.repeat(253), node: 'a'.repeat(253), zone: 'a'.repeat(253), weight: 5 })],
  ['as many targets as may be', targets(...manyTargets(16))],
  ['as many entries as may be', weights(...manyEntries(64))],
  ...['WeightedRandom', 'RoundRobin', 'LeastConnections', 'PeakEwma', 'Maglev'].map(
    (algorithm) => [`algorithm ${algorithm}`, choice({ algorithm })] as const,
  ),
  ['Maglev on Pods', choice({ algorithm: 'Maglev', hashOn: 'Pod' })],
  ['Maglev on source addresses', choice({ algorithm: 'Maglev', hashOn: 'SourceAddress' })],
  ['a weight by label', weights({ labels: { 'example.com/rack': 'r-1', empty: '' }, weight: 5 })],
  ['as many labels as may be', weights({ labels: labels(8), weight: 5 })],
  ['a start of no given time', choice({ slowStart: {} })],
  ['the shortest start', slowStart('5s')],
  ['the longest start', slowStart('1h')],
  ['a start in all units', slowStart('0h1m1s500ms')],
  ['a start of many milliseconds', slowStart('99999ms')],
  ['all Pods as clients', clients({})],
  ['clients by label', clients({ matchLabels: { 'example.com/app': 'checkout', empty: '' }, matchExpressions: [] })],
  ['as many labels of clients as may be', clients({ matchLabels: labels(16) })],
  ['clients by In', expression({ values: ['a', ''] })],
  ['clients by NotIn', expression({ operator: 'NotIn', values: Object.keys(labels(32)) })],
  ['clients by Exists', expression({ operator: 'Exists' })],
  ['clients by DoesNotExist', expression({ operator: 'DoesNotExist', values: [] })],
  [
    'the longest key',
    expression({ key: `${LONGEST}.${LONGEST}.${LONGEST}.${'a'.repeat(61)}/A.${LONGEST.slice(2)}`, values: ['a'] }),
  ],
  ['the clients of a route', { ...targets(ROUTE), clients: {} }],
  [
    'the clients of routes of all kinds',
    {
      ...targets(...['GRPCRoute', 'HTTPRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'].map((kind) => ({ ...ROUTE, kind }))),
      clients: {},
    },
  ],
  ['a route with dots in its name', { ...targets({ ...ROUTE, name: 'cart.v2' }), clients: {} }],
  ['connections on one node that go socket to socket', choice({ sameNode: 'Redirect' })],
  ['connections on one node that go by TCP', choice({ sameNode: 'Plain', algorithm: 'RoundRobin' })],
  ['first response times that are measured', choice({ firstResponseTime: 'Measure' })],
  ['first response times that are not', choice({ firstResponseTime: 'Ignore', sameNode: 'Plain' })],
  ['a Service and a route', { ...targets(TARGET, ROUTE), clients: {}, algorithm: 'RoundRobin' }],
];

const WRONG: readonly (readonly [title: string, spec: unknown])[] = [
  ['no spec', undefined],
  ['a spec that is a text', 'cart'],
  ['no targets', {}],
  ['an empty list of targets', targets()],
  ['targets that are an object', { targetRefs: TARGET }],
  ['a target that is a name', targets('cart')],
  ['a target without a name', targets({ kind: 'Service' })],
  ['a target of another kind', targets({ ...TARGET, kind: 'Pod' })],
  ['a target of an empty kind', targets({ ...TARGET, kind: '' })],
  ['a target of another group', targets({ ...TARGET, group: 'apps' })],
  ['a target of the group by its other name', targets({ ...TARGET, group: 'core' })],
  ['a target with an empty name', targets({ ...TARGET, name: '' })],
  ['a target in capitals', targets({ ...TARGET, name: 'Cart' })],
  ['a target that ends in a dash', targets({ ...TARGET, name: 'cart-' })],
  ['a target with a line break', targets({ ...TARGET, name: 'cart\n' })],
  ['a name of a target that is a number', targets({ ...TARGET, name: 1 })],
  ['the same target twice', targets(TARGET, TARGET)],
  ['the same target with and without its kind', targets(TARGET, { name: 'cart' })],
  ['the same target with and without its group', targets(TARGET, { group: '', ...TARGET })],
  ['weights that are an object', { targetRefs: [TARGET], endpointWeights: {} }],
  ['an entry that is a number', weights(5)],
  ['no weight', weights({ pod: 'a' })],
  ['a weight of null', weights({ pod: 'a', weight: null })],
  ['a weight below 0', weights({ weight: -1 })],
  ['a weight above 1000', weights({ weight: 1001 })],
  ['a fractional weight', weights({ weight: 0.5 })],
  ['a weight that is a text', weights({ weight: '5' })],
  ['an empty pattern of a Pod', weights({ pod: '', weight: 5 })],
  ['an empty pattern of a node', weights({ node: '', weight: 5 })],
  ['an empty pattern of a zone', weights({ zone: '', weight: 5 })],
  ['a pattern that is a number', weights({ pod: 7, weight: 5 })],
  ['a pattern that is a list', weights({ pod: ['a'], weight: 5 })],
  ['a pattern of a Pod that is too long', weights({ pod: 'a'.repeat(254), weight: 5 })],
  ['a name of a node that is too long', weights({ node: 'a'.repeat(254), weight: 5 })],
  ['a name of a zone that is too long', weights({ zone: 'a'.repeat(254), weight: 5 })],
  ['too many targets', targets(...manyTargets(17))],
  ['too many entries', weights(...manyEntries(65))],
  ['an unknown algorithm', choice({ algorithm: 'random' })],
  ['an empty algorithm', choice({ algorithm: '' })],
  ['an algorithm that is a number', choice({ algorithm: 0 })],
  ['an unknown hash', choice({ algorithm: 'Maglev', hashOn: 'pod' })],
  ['labels of an endpoint that are a list', weights({ labels: ['a'], weight: 5 })],
  ['a label of an endpoint that is a number', weights({ labels: { a: 1 }, weight: 5 })],
  ['a label of an endpoint that is too long', weights({ labels: { a: `${LONGEST}a` }, weight: 5 })],
  ['a label of an endpoint with a blank', weights({ labels: { a: 'b c' }, weight: 5 })],
  ['too many labels of an endpoint', weights({ labels: labels(9), weight: 5 })],
  ['a start that is a text', choice({ slowStart: '30s' })],
  ['a start that is a number', slowStart(30)],
  ['a start without unit', slowStart('30')],
  ['a start with a fraction', slowStart('1.5s')],
  ['a start below 0', slowStart('-1s')],
  ['a start in days', slowStart('1d')],
  ['a start of six digits', slowStart('100000ms')],
  ['a start of five parts', slowStart('1m1s1s1s1s')],
  ['an empty start', slowStart('')],
  ['clients that are a text', clients('app=cart')],
  ['labels of clients that are a list', clients({ matchLabels: ['a'] })],
  ['a label of clients that is a number', clients({ matchLabels: { app: 1 } })],
  ['a label of clients that is too long', clients({ matchLabels: { app: `${LONGEST}a` } })],
  ['a label of clients that ends in a dash', clients({ matchLabels: { app: 'a-' } })],
  ['too many labels of clients', clients({ matchLabels: labels(17) })],
  ['expressions that are an object', clients({ matchExpressions: {} })],
  ['an expression that is a text', clients({ matchExpressions: ['app'] })],
  ['too many expressions', clients({ matchExpressions: new Array(17).fill({ key: 'a', operator: 'Exists' }) })],
  ['no operator', clients({ matchExpressions: [{ key: 'app' }] })],
  ['no key', clients({ matchExpressions: [{ operator: 'Exists' }] })],
  ['an empty key', expression({ key: '', values: ['a'] })],
  ['a key with two slashes', expression({ key: 'a/b/c', values: ['a'] })],
  ['a key with a prefix in capitals', expression({ key: 'A/b', values: ['a'] })],
  ['a key with a name that is too long', expression({ key: `${LONGEST}a`, values: ['a'] })],
  ['an unknown operator', expression({ operator: 'Is', values: ['a'] })],
  ['an operator in small letters', expression({ operator: 'in', values: ['a'] })],
  ['a value that is a number', expression({ values: [1] })],
  ['a value with a slash', expression({ values: ['a/b'] })],
  ['too many values', expression({ values: Object.keys(labels(33)) })],
  ['an unknown way of connections on one node', choice({ sameNode: 'redirect' })],
  ['a way of connections on one node that is a switch', choice({ sameNode: true })],
  ['an unknown wish for first response times', choice({ firstResponseTime: 'measure' })],
  ['a wish for first response times that is a switch', choice({ firstResponseTime: true })],
];

const WRONG_BY_RULES: readonly (readonly [title: string, spec: unknown])[] = [
  ['a target with a dot', targets({ ...TARGET, name: 'cart.shop' })],
  ['a name of a target that is too long', targets({ ...TARGET, name: `${LONGEST}a` })],
  ['a Service of the group of routes', targets({ ...ROUTE, kind: 'Service' })],
  ['a route of the group of Services', { ...targets({ ...ROUTE, group: '' }), clients: {} }],
  ['a target without a kind of the group of routes', { ...targets({ group: ROUTE.group, name: 'cart' }), clients: {} }],
  ['a route without its group', { ...targets({ kind: 'TCPRoute', name: 'cart' }), clients: {} }],
  ['a hash and no algorithm', choice({ hashOn: 'Pod' })],
  ['a hash of another algorithm', choice({ algorithm: 'RoundRobin', hashOn: 'SourceAddress' })],
  ['a route for everybody', targets(ROUTE)],
  ['a Service and a route for everybody', targets(TARGET, ROUTE)],
  ['an algorithm for a route', { ...targets(ROUTE), clients: {}, algorithm: 'RoundRobin' }],
  ['weights for a route', { ...targets(ROUTE), clients: {}, endpointWeights: [] }],
  ['a slow start for a route', { ...targets(ROUTE), clients: {}, slowStart: { duration: '5s' } }],
  ['a way of connections on one node for a route', { ...targets(ROUTE), clients: {}, sameNode: 'Plain' }],
  ['a way of connections on one node for some clients', choice({ clients: {}, sameNode: 'Redirect' })],
  ['first response times of a route', { ...targets(ROUTE), clients: {}, firstResponseTime: 'Ignore' }],
  ['first response times of some clients', choice({ clients: {}, firstResponseTime: 'Measure' })],
  ['a start that is too short', slowStart('999ms')],
  ['a start that is too long', slowStart('1h1ms')],
  ['a start of no time', slowStart('0s')],
  ['no values to be in', expression({})],
  ['an empty list of values not to be in', expression({ operator: 'NotIn', values: [] })],
  ['values to exist', expression({ operator: 'Exists', values: ['a'] })],
  ['values not to exist', expression({ operator: 'DoesNotExist', values: ['a'] })],
  ['a key with a prefix that is too long', expression({ key: `${'a.'.repeat(127)}a/b`, values: ['a'] })],
];

/** Of labels. */
const NAMES: readonly (readonly [title: string, spec: unknown])[] = [
  ['an empty name of a label', clients({ matchLabels: { '': 'a' } })],
  ['a name of a label with two slashes', clients({ matchLabels: { 'a/b/c': 'a' } })],
  ['a name of a label that is too long', weights({ labels: { [`${LONGEST}a`]: 'a' }, weight: 5 })],
];

const STORED: readonly (readonly [title: string, spec: unknown])[] = [
  ['a start that was long enough before', slowStart('1s')],
  ['a start that is nearly long enough', slowStart('4999ms')],
];

const DROPPED: readonly (readonly [title: string, spec: unknown])[] = [
  ['an unknown field', { ...targets(TARGET), limits: {} }],
  ['an unknown field of a slow start', choice({ slowStart: { duration: '5s', from: 5 } })],
  ['an unknown field of clients', clients({ labels: { app: 'cart' } })],
  ['an unknown field of an expression', expression({ values: ['a'], value: 'a' })],
  ['an unknown field of a target', targets({ ...TARGET, namespace: 'shop' })],
  ['an unknown field of an entry', weights({ weight: 5, pods: 'a' })],
];

export const TRAFFIC_POLICY_ROWS: readonly TrafficPolicyRow[] = [
  ...RIGHT.map(([title, spec]) => ({ title, spec, right: true })),
  ...WRONG.map(([title, spec]) => ({ title, spec, right: false })),
  ...WRONG_BY_RULES.map(([title, spec]) => ({ title, spec, right: false, but: 'rules' as const })),
  ...STORED.map(([title, spec]) => ({ title, spec, right: true, but: 'stored' as const })),
  ...NAMES.map(([title, spec]) => ({ title, spec, right: false, but: 'names' as const })),
  ...DROPPED.map(([title, spec]) => ({ title, spec, right: false, but: 'dropped' as const })),
];

/** The object of a row, as a client sends it. */
export const trafficPolicy = (name: string, spec: unknown): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name, namespace: 'default' },
  ...(spec === undefined ? {} : { spec }),
});
