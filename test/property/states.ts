import fc from 'fast-check';
import type { AddressKind, DesiredEndpoint, DesiredGroup, DesiredPort } from '../../src/core/model/desired.ts';
import type { Family } from '../../src/core/model/objects.ts';
import type { State } from './world.ts';

/** Four ports, nine Service addresses that wander between them, and a dozen endpoints that all of them may use. */
const PORTS = ['shop/web/http/TCP', 'shop/web/https/TCP', 'shop/dns/dns/UDP', 'shop/cart//TCP'] as const;
const ADDRESSES: Record<Family, readonly string[]> = {
  4: ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4', '10.96.0.5', '10.96.0.6'],
  6: ['fd00:96::1', 'fd00:96::2', 'fd00:96::3'],
};
const ENDPOINTS: Record<Family, readonly string[]> = {
  4: ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5', '10.1.0.6', '10.1.0.7'],
  6: ['fd00:1::1', 'fd00:1::2', 'fd00:1::3', 'fd00:1::4', 'fd00:1::5'],
};

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

/** The port that owns each address, or that closes it: none is claimed by two. */
const owners = (family: Family): fc.Arbitrary<(string | undefined)[]> =>
  fc.tuple(...ADDRESSES[family].map(() => fc.option(fc.constantFrom(...PORTS), { nil: undefined })));

const settings = (): fc.Arbitrary<Settings> =>
  fc.record({
    isThere: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
    port: port(80),
    affinityTimeoutS: fc.constantFrom(0, 0, 60, 10_800),
    four: endpoints(4),
    six: endpoints(6),
    external: endpoints(4),
    externalPort: fc.constantFrom(80, 30_080),
  });

interface Settings {
  readonly isThere: boolean;
  readonly port: number;
  readonly affinityTimeoutS: number;
  readonly four: DesiredEndpoint[];
  readonly six: DesiredEndpoint[];
  /** Who answers those IPv4 addresses that are external. */
  readonly external: DesiredEndpoint[];
  readonly externalPort: number;
}

/** Names every port, in any order. */
export const state = (): fc.Arbitrary<State> =>
  fc
    .record({
      order: fc.shuffledSubarray([...PORTS], { minLength: PORTS.length }),
      four: owners(4),
      six: owners(6),
      closing: owners(4),
    })
    .chain(({ order, four, six, closing }) =>
      fc.tuple(...order.map(settings)).map((all) => {
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
  const { isThere, port, affinityTimeoutS } = settings;
  if (!isThere) return undefined;
  const group = (
    kind: AddressKind,
    addresses: readonly string[],
    number: number,
    endpoints: readonly DesiredEndpoint[],
  ): DesiredGroup => ({
    family: addresses.some((address) => address.includes(':')) ? 6 : 4,
    kind,
    addresses,
    port: number,
    scope: kind === 'cluster' ? 'cluster' : 'external',
    endpoints,
  });
  const groups = [
    group(
      'cluster',
      four.filter((address) => !EXTERNAL.includes(address)),
      port,
      settings.four,
    ),
    group('cluster', six, port, settings.six),
    group(
      'external',
      four.filter((address) => EXTERNAL.includes(address)),
      settings.externalPort,
      settings.external,
    ),
  ];
  return { id, protocol: id.endsWith('UDP') ? 'UDP' : 'TCP', port, affinityTimeoutS, groups, closed };
};
