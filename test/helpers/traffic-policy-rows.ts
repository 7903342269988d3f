/** TrafficPolicies, and whether they are right: to the agent's reader, and to an API server with our definition of them. */
export interface TrafficPolicyRow {
  readonly title: string;
  readonly spec: unknown;
  readonly right: boolean;
  /** Right to the API server, because it drops fields that it does not know before anybody sees them. */
  readonly dropped?: true;
}

const TARGET = { kind: 'Service', name: 'cart' };
const LONGEST = 'a'.repeat(63);

const targets = (...targetRefs: readonly unknown[]): object => ({ targetRefs });
const weights = (...endpointWeights: readonly unknown[]): object => ({ targetRefs: [TARGET], endpointWeights });

const manyTargets = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({ ...TARGET, name: `cart-${index}` }));
const manyEntries = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({ pod: `cart-${index}-*`, weight: 1 }));

const RIGHT: readonly (readonly [title: string, spec: unknown])[] = [
  ['a target', targets(TARGET)],
  ['a target with its group', targets({ group: '', ...TARGET })],
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
];

const WRONG: readonly (readonly [title: string, spec: unknown])[] = [
  ['no spec', undefined],
  ['a spec that is a text', 'cart'],
  ['no targets', {}],
  ['an empty list of targets', targets()],
  ['targets that are an object', { targetRefs: TARGET }],
  ['a target that is a name', targets('cart')],
  ['a target without a kind', targets({ name: 'cart' })],
  ['a target without a name', targets({ kind: 'Service' })],
  ['a target of another kind', targets({ ...TARGET, kind: 'Pod' })],
  ['a target of an empty kind', targets({ ...TARGET, kind: '' })],
  ['a target of another group', targets({ ...TARGET, group: 'apps' })],
  ['a target of the group by its other name', targets({ ...TARGET, group: 'core' })],
  ['a target with an empty name', targets({ ...TARGET, name: '' })],
  ['a target in capitals', targets({ ...TARGET, name: 'Cart' })],
  ['a target with a dot', targets({ ...TARGET, name: 'cart.shop' })],
  ['a target that ends in a dash', targets({ ...TARGET, name: 'cart-' })],
  ['a target with a line break', targets({ ...TARGET, name: 'cart\n' })],
  ['a name of a target that is too long', targets({ ...TARGET, name: `${LONGEST}a` })],
  ['a name of a target that is a number', targets({ ...TARGET, name: 1 })],
  ['the same target twice', targets(TARGET, TARGET)],
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
];

const DROPPED: readonly (readonly [title: string, spec: unknown])[] = [
  ['an unknown field', { ...targets(TARGET), algorithm: 'random' }],
  ['an unknown field of a target', targets({ ...TARGET, namespace: 'shop' })],
  ['an unknown field of an entry', weights({ weight: 5, pods: 'a' })],
];

export const TRAFFIC_POLICY_ROWS: readonly TrafficPolicyRow[] = [
  ...RIGHT.map(([title, spec]) => ({ title, spec, right: true })),
  ...WRONG.map(([title, spec]) => ({ title, spec, right: false })),
  ...DROPPED.map(([title, spec]) => ({ title, spec, right: false, dropped: true as const })),
];

/** The object of a row, as a client sends it. */
export const trafficPolicy = (name: string, spec: unknown): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name, namespace: 'default' },
  ...(spec === undefined ? {} : { spec }),
});
