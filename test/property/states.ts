import fc from 'fast-check';
import type { DesiredEndpoint, DesiredGroup, DesiredPort } from '../../src/core/model/desired.ts';
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

/** The port that owns each address: none is claimed by two. */
const owners = (family: Family): fc.Arbitrary<(string | undefined)[]> =>
  fc.tuple(...ADDRESSES[family].map(() => fc.option(fc.constantFrom(...PORTS), { nil: undefined })));

const settings = (): fc.Arbitrary<Settings> =>
  fc.record({
    isThere: fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0),
    port: port(80),
    affinityTimeoutS: fc.constantFrom(0, 0, 60, 10_800),
    four: endpoints(4),
    six: endpoints(6),
  });

interface Settings {
  readonly isThere: boolean;
  readonly port: number;
  readonly affinityTimeoutS: number;
  readonly four: DesiredEndpoint[];
  readonly six: DesiredEndpoint[];
}

/** Names every port, in any order. */
export const state = (): fc.Arbitrary<State> =>
  fc
    .record({ order: fc.shuffledSubarray([...PORTS], { minLength: PORTS.length }), four: owners(4), six: owners(6) })
    .chain(({ order, four, six }) =>
      fc.tuple(...order.map(settings)).map((all) => {
        const owned = (id: string, by: readonly (string | undefined)[], family: Family): readonly string[] =>
          ADDRESSES[family].filter((_, at) => by[at] === id);
        return new Map(
          order.map((id, at) => [id, desired(id, all[at] as Settings, owned(id, four, 4), owned(id, six, 6))]),
        );
      }),
    );

const desired = (
  id: string,
  { isThere, port, affinityTimeoutS, four, six }: Settings,
  fourAddresses: readonly string[],
  sixAddresses: readonly string[],
): DesiredPort | undefined => {
  if (!isThere) return undefined;
  const groups: DesiredGroup[] = [
    { family: 4, addresses: fourAddresses, endpoints: four },
    { family: 6, addresses: sixAddresses, endpoints: six },
  ];
  return { id, protocol: id.endsWith('UDP') ? 'UDP' : 'TCP', port, affinityTimeoutS, groups };
};
