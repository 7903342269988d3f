import fc from 'fast-check';
import type {
  AddressKind,
  ChoiceRule,
  Client,
  DesiredArm,
  DesiredEndpoint,
  DesiredGroup,
  DesiredPort,
} from '../../src/core/model/desired.ts';
import type { Family } from '../../src/core/model/objects.ts';
import type { State } from './world.ts';

/**
 * Four ports, nine Service addresses that wander between them, a dozen endpoints that all of them may use, three names
 * of arms, and three Pods of this node.
 */
const PORTS = ['shop/web/http/TCP', 'shop/web/https/TCP', 'shop/dns/dns/UDP', 'shop/cart//TCP'] as const;
const ADDRESSES: Record<Family, readonly string[]> = {
  4: ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4', '10.96.0.5', '10.96.0.6'],
  6: ['fd00:96::1', 'fd00:96::2', 'fd00:96::3'],
};
const ENDPOINTS: Record<Family, readonly string[]> = {
  4: ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6', '10.1.0.7'],
  6: ['fd00:1::1', 'fd00:1::2', 'fd00:1::3', 'fd00:1::4', 'fd00:1::5'],
};
const ARMS = ['shop/v1:80', 'shop/v2:80', 'other/v3:8080'] as const;

/** Two of them at one level, and an id beyond 53 bits. */
export const CLIENTS: readonly Client[] = [
  { cgroup: 4711n, level: 3 },
  { cgroup: 2n ** 63n + 1n, level: 3 },
  { cgroup: 4712n, level: 15 },
];

export interface StateOptions {
  /** Its tables are large: for tests that look at every single write it may be left out. */
  readonly maglev: boolean;
}

const endpoints = (family: Family): fc.Arbitrary<DesiredEndpoint[]> =>
  fc
    .shuffledSubarray([...ENDPOINTS[family]])
    .chain((addresses) =>
      fc.tuple(
        ...addresses.map((address) => fc.record({ address: fc.constant(address), port: port(8080), weight: weight() })),
      ),
    );

const port = (from: number): fc.Arbitrary<number> => fc.integer({ min: from, max: from + 1 });

/** Mostly alike, as in life; at times far apart. */
const weight = (): fc.Arbitrary<number> =>
  fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 1000 }));

const choice = ({ maglev }: StateOptions): fc.Arbitrary<ChoiceRule> =>
  fc.record({
    algorithm: fc.oneof(
      { weight: 3, arbitrary: fc.constant('WeightedRandom' as const) },
      { weight: 5, arbitrary: fc.constantFrom('RoundRobin', 'LeastConnections', 'PeakEwma') },
      { weight: maglev ? 1 : 0, arbitrary: fc.constant('Maglev' as const) },
    ),
    hashOn: fc.constantFrom('Pod', 'SourceAddress'),
  });

/** How each arm chooses is told for all groups of everybody, and for each variant, at once: see `choosing`. */
const arms = (): fc.Arbitrary<Omit<DesiredArm, 'choice'>[]> =>
  fc.shuffledSubarray([...ARMS]).chain((ids) =>
    fc.tuple(
      ...ids.map((id) =>
        fc.record({
          id: fc.constant(id),
          weight: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 1_000_000 })),
          endpoints: endpoints(4),
        }),
      ),
    ),
  );

/** The port that owns each address, or that closes it: none is claimed by two. */
const owners = (family: Family): fc.Arbitrary<(string | undefined)[]> =>
  fc.tuple(...ADDRESSES[family].map(() => fc.option(fc.constantFrom(...PORTS), { nil: undefined })));

/** Who answers: endpoints, or those of arms. */
type Answering = Pick<DesiredGroup, 'endpoints' | 'arms'>;

interface Draft {
  readonly endpoints: readonly DesiredEndpoint[];
  readonly arms?: readonly Omit<DesiredArm, 'choice'>[];
}

const choosing = (choices: readonly ChoiceRule[], { endpoints, arms }: Draft): Answering =>
  arms === undefined
    ? { endpoints }
    : {
        endpoints,
        arms: arms.map((arm) => ({
          ...arm,
          choice: choices[ARMS.indexOf(arm.id as (typeof ARMS)[number])] as ChoiceRule,
        })),
      };

const answering = (options: StateOptions, many: number): fc.Arbitrary<Answering[]> =>
  fc
    .tuple(fc.tuple(...ARMS.map(() => choice(options))), fc.array(draft(), { minLength: many, maxLength: many }))
    .map(([choices, drafts]) => drafts.map((each) => choosing(choices, each)));

const draft = (): fc.Arbitrary<Draft> =>
  fc.oneof(
    { weight: 2, arbitrary: endpoints(4).map((four) => ({ endpoints: four })) },
    { weight: 1, arbitrary: arms().map((shared) => ({ endpoints: [], arms: shared })) },
  );

const settings = (options: StateOptions): fc.Arbitrary<Settings> =>
  fc.record({
    isThere: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
    port: port(80),
    affinityTimeoutS: fc.constantFrom(0, 0, 60, 10_800),
    choice: fc.option(choice(options), { nil: undefined }),
    isMeasured: fc.boolean(),
    four: answering(options, 2),
    six: endpoints(6),
    sharesArms: fc.boolean(),
    externalPort: fc.constantFrom(80, 30_080),
    variants: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.tuple(answering(options, 1), answering(options, 1)).map((each) => each.flat()) },
    ),
    clients: fc.tuple(...CLIENTS.map(() => fc.nat({ max: 2 }))),
  });

interface Settings {
  readonly isThere: boolean;
  readonly port: number;
  readonly affinityTimeoutS: number;
  readonly choice: ChoiceRule | undefined;
  readonly isMeasured: boolean;
  /** Who answers the IPv4 addresses, and who those of them that are external. */
  readonly four: readonly Answering[];
  readonly six: DesiredEndpoint[];
  /** The external addresses are shared by the very list of the others. */
  readonly sharesArms: boolean;
  readonly externalPort: number;
  /** Who answers clients of variant 1, 2. */
  readonly variants: readonly Answering[];
  /** For each of CLIENTS its variant, 0: it has none. */
  readonly clients: readonly number[];
}

/** Names every port, in any order. */
export const state = (options: StateOptions = { maglev: true }): fc.Arbitrary<State> =>
  fc
    .record({
      order: fc.shuffledSubarray([...PORTS], { minLength: PORTS.length }),
      four: owners(4),
      six: owners(6),
      closing: owners(4),
    })
    .chain(({ order, four, six, closing }) =>
      fc.tuple(...order.map(() => settings(options))).map((all) => {
        const owned = (id: string, by: readonly (string | undefined)[], family: Family): readonly string[] =>
          ADDRESSES[family].filter((_, at) => by[at] === id);
        const part = (id: string): Part => ({
          four: owned(id, four, 4),
          six: owned(id, six, 6),
          closed: owned(id, closing, 4),
        });
        return new Map(order.map((id, at) => [id, desired(id, all[at] as Settings, part(id))]));
      }),
    );

/** The addresses that a port has to do with. */
interface Part {
  readonly four: readonly string[];
  readonly six: readonly string[];
  readonly closed: readonly string[];
}

const EXTERNAL: readonly string[] = ['10.96.0.5', '10.96.0.6'];

const desired = (id: string, settings: Settings, { four, six, closed }: Part): DesiredPort | undefined => {
  const { isThere, port, affinityTimeoutS, choice, isMeasured, sharesArms, externalPort } = settings;
  const [own, external] = settings.four as readonly [Answering, Answering];
  if (!isThere) return undefined;
  const group = (
    kind: AddressKind,
    addresses: readonly string[],
    number: number,
    answering: Answering,
  ): DesiredGroup => ({
    family: addresses.some((address) => address.includes(':')) ? 6 : 4,
    kind,
    addresses,
    port: number,
    scope: kind === 'cluster' ? 'cluster' : 'external',
    ...answering,
  });
  const cluster = four.filter((address) => !EXTERNAL.includes(address));
  const groups = [
    ...forClients(settings, (answering) => group('cluster', cluster, port, answering)),
    group('cluster', cluster, port, own),
    group('cluster', six, port, { endpoints: settings.six }),
    group(
      'external',
      four.filter((address) => EXTERNAL.includes(address)),
      externalPort,
      sharesArms ? own : external,
    ),
  ];
  const protocol = id.endsWith('UDP') ? 'UDP' : 'TCP';
  const measured = isMeasured ? ({ measured: true } as const) : {};
  return { id, protocol, port, affinityTimeoutS, ...(choice && { choice }), ...measured, groups, closed };
};

const forClients = (
  { variants, clients }: Settings,
  group: (answering: Answering) => DesiredGroup,
): readonly DesiredGroup[] =>
  CLIENTS.flatMap((client, at) => {
    const variant = clients[at] as number;
    const answering = variants[variant - 1];
    return answering === undefined ? [] : [{ ...group(answering), client, variant }];
  });
