import { familyOf } from '../core/desire/family.ts';
import { socketText } from '../core/explain/text.ts';
import { type Part, partsOf } from '../core/plan/answer.ts';
import { algorithmOf } from '../core/plan/choice.ts';
import { isClosing } from '../core/plan/have.ts';
import type { FrontendWrite } from '../core/plan/transaction.ts';
import type { LeftConnections, StatsReader } from '../dataplane/dataplane.ts';
import type { Found } from './found-ports.ts';
import type { ObservedChoice, ObservedShares } from './observed-shares.ts';
import type { RulingView } from './rulings.ts';
import type { BackendView, ObservedShare } from './view.ts';

/** All of one Service port at once: an index means something else after a change. */
export const backendsOf = (
  found: Found,
  rulings: ReadonlyMap<number, RulingView>,
  stats: StatsReader,
  observed: Pick<ObservedShares, 'of'>,
  left: readonly LeftConnections[],
): readonly BackendView[] => {
  const rows = choicesOf(found).flatMap((frontend) => {
    const ruling = rulings.get(frontend.variant ?? 0) ?? {};
    const parts = partsOf(found.have.tables, frontend);
    const choice: Choice = { frontend, ruling, observed: observed.of(frontend, parts, stats) };
    return parts.flatMap((part) =>
      part.backends.size > 0 ? answeringOf(found, choice, part, stats) : refusedOf(found, choice, part, stats),
    );
  });
  return [...refusedTogether(rows), ...leftOf(found, rows, left)];
};

interface Choice {
  readonly frontend: FrontendWrite;
  readonly ruling: RulingView;
  readonly observed: ObservedChoice | undefined;
}

/**
 * One frontend for each range of slots: several addresses, and clients with the same choice, may share one. What leads
 * nowhere has no range; of that, one for each family and choice.
 */
export const choicesOf = ({ port }: Pick<Found, 'port'>): readonly FrontendWrite[] => [
  ...new Map(
    port.frontends.filter((frontend) => !isClosing(frontend)).map((frontend) => [rangeKey(frontend), frontend]),
  ).values(),
];

const rangeKey = ({ slotBase, slotCount, address, variant = 0 }: FrontendWrite): string =>
  slotCount > 0 ? String(slotBase) : `${familyOf(address)} ${variant}`;

const answeringOf = (found: Found, choice: Choice, part: Part, stats: StatsReader): readonly BackendView[] => {
  const { tables } = found.have;
  const algorithm = algorithmOf(tables.service(part.service).choice);
  const { affinityTimeoutS } = tables.service(found.port.service);
  return Array.from(part.backends, ([index, share]) => {
    const { address, port, weight } = tables.backend(index);
    const observed = choice.observed?.backend(index);
    return {
      ...placeOf(found),
      state: 'answering' as const,
      address,
      port,
      ...choiceOf(found, choice, part),
      algorithm,
      weight,
      share,
      ...(observed && { observed }),
      ...(affinityTimeoutS > 0 && { affinity: true as const }),
      stats: stats.backend(index),
    };
  });
};

/** Only of routes: a Service without endpoints says so by having no row at all. */
const refusedOf = (found: Found, choice: Choice, part: Part, stats: StatsReader): readonly BackendView[] => {
  if (choice.ruling.route === undefined) return [];
  const refused = { address: '', port: 0, family: familyOf(choice.frontend.address), weight: 0, share: part.share };
  const { rejected } = stats.service(part.service);
  const observed = choice.observed?.refused(part.service);
  return [
    {
      ...placeOf(found),
      state: 'refused',
      ...refused,
      ...choiceOf(found, choice, part),
      ...(observed && { observed }),
      stats: { rejected },
    },
  ];
};

/**
 * Addresses of one family may lead to ranges of their own, for instance at a node port: what is refused there is one
 * thing. Where all of a choice is refused, the Service counts it, for both families and whoever asks: then it is said once.
 */
const refusedTogether = (rows: readonly BackendView[]): readonly BackendView[] => {
  const together = new Map<string | BackendView, BackendView>();
  for (const row of rows) {
    const key = togetherKey(row);
    const known = together.get(key);
    if (known === undefined) together.set(key, row);
    else together.set(key, isWhole(row) ? withoutFamily(known) : sumOf(known, row));
  }
  const told = [...together.values()];
  const first = told.find(isWhole);
  return first === undefined ? told : told.map((row) => (isWhole(row) && row !== first ? { ...row, stats: {} } : row));
};

/** All of a choice is refused. */
const isWhole = ({ state, arm }: BackendView): boolean => state === 'refused' && arm === undefined;

const togetherKey = (row: BackendView): string | BackendView => {
  const { state, family, arm, variant = 0, share } = row;
  if (state !== 'refused') return row;
  return isWhole(row) ? `${variant}` : `${family} ${arm} ${variant} ${share}`;
};

const withoutFamily = ({ family: _, ...row }: BackendView): BackendView => row;

const sumOf = (one: BackendView, other: BackendView): BackendView => ({
  ...one,
  ...(one.observed && other.observed && { observed: observedTogether(one.observed, other.observed) }),
  stats: { rejected: (one.stats.rejected ?? 0) + (other.stats.rejected ?? 0) },
});

const observedTogether = (one: ObservedShare, other: ObservedShare): ObservedShare => {
  const of = one.of + other.of;
  const share = of === 0 ? 0 : (one.share * one.of + other.share * other.of) / of;
  return { share, of, sinceMs: Math.max(one.sinceMs, other.sinceMs) };
};

/** A record that was retired has no counters any more; what its connections remember tells who still has some. */
const leftOf = (
  found: Found,
  rows: readonly BackendView[],
  left: readonly LeftConnections[],
): readonly BackendView[] => {
  const { service } = found.port;
  const generation = found.have.tables.serviceGeneration(service);
  const answering = new Set(rows.map(socketText));
  return left
    .filter((each) => each.service === service && each.serviceGeneration === generation)
    .map(({ address, port, active, pending }) => ({
      ...placeOf(found),
      state: answering.has(socketText({ address, port })) ? ('earlier' as const) : ('drained' as const),
      address,
      port,
      weight: 0,
      share: 0,
      stats: { active, pending },
    }));
};

const placeOf = ({ id }: Found): Pick<BackendView, 'service' | 'id'> => {
  const [namespace, service] = id.split('/');
  return { service: `${namespace}/${service}`, id };
};

const choiceOf = (
  { port: { arms } }: Found,
  { frontend, ruling: { route, clients } }: Choice,
  { service }: Part,
): Pick<BackendView, 'arm' | 'route' | 'variant' | 'clients'> => ({
  ...(frontend.arms && { arm: arms?.get(service) ?? '' }),
  ...(route !== undefined && { route }),
  ...(frontend.variant !== undefined && { variant: frontend.variant, ...(clients !== undefined && { clients }) }),
});
