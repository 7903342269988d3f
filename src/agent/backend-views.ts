import { familyOf } from '../core/desire/family.ts';
import { socketText } from '../core/explain/text.ts';
import { type Part, partsOf } from '../core/plan/answer.ts';
import { algorithmOf } from '../core/plan/choice.ts';
import { isClosing } from '../core/plan/have.ts';
import type { FrontendWrite } from '../core/plan/transaction.ts';
import type { LeftConnections, StatsReader } from '../dataplane/dataplane.ts';
import type { Found } from './found-ports.ts';
import type { RulingView } from './rulings.ts';
import type { BackendView } from './view.ts';

/** All of one Service port at once: an index means something else after a change. */
export const backendsOf = (
  found: Found,
  rulings: ReadonlyMap<number, RulingView>,
  stats: StatsReader,
  left: readonly LeftConnections[],
): readonly BackendView[] => {
  const rows = choicesOf(found).flatMap((frontend) => {
    const ruling = rulings.get(frontend.variant ?? 0) ?? {};
    const parts = partsOf(found.have.tables, frontend);
    return parts.flatMap((part) =>
      part.backends.size > 0
        ? answeringOf(found, frontend, part, ruling, stats)
        : refusedOf(found, frontend, part, ruling, stats),
    );
  });
  return [...distinct(rows), ...leftOf(found, rows, left)];
};

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

const answeringOf = (
  found: Found,
  frontend: FrontendWrite,
  part: Part,
  ruling: RulingView,
  stats: StatsReader,
): readonly BackendView[] => {
  const { tables } = found.have;
  const algorithm = algorithmOf(tables.service(part.service).choice);
  return Array.from(part.backends, ([index, share]) => {
    const { address, port, weight } = tables.backend(index);
    return {
      ...placeOf(found),
      state: 'answering' as const,
      address,
      port,
      ...choiceOf(found, frontend, part, ruling),
      algorithm,
      weight,
      share,
      stats: stats.backend(index),
    };
  });
};

/** Only of routes: a Service without endpoints says so by having no row at all. */
const refusedOf = (
  found: Found,
  frontend: FrontendWrite,
  part: Part,
  ruling: RulingView,
  stats: StatsReader,
): readonly BackendView[] => {
  if (ruling.route === undefined) return [];
  const refused = { address: '', port: 0, family: familyOf(frontend.address), weight: 0, share: part.share };
  const { rejected } = stats.service(part.service);
  const choice = choiceOf(found, frontend, part, ruling);
  return [{ ...placeOf(found), state: 'refused', ...refused, ...choice, stats: { rejected } }];
};

/** Addresses of one family may lead to ranges of their own, for instance at a node port: what is refused is the same. */
const distinct = (rows: readonly BackendView[]): readonly BackendView[] => {
  const seen = new Set<string>();
  return rows.filter(({ state, family, arm = '', variant = 0, share }) => {
    if (state !== 'refused') return true;
    const key = `${family} ${arm} ${variant} ${share}`;
    return seen.has(key) ? false : seen.add(key);
  });
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
  frontend: FrontendWrite,
  { service }: Part,
  { route, clients }: RulingView,
): Pick<BackendView, 'arm' | 'route' | 'variant' | 'clients'> => ({
  ...(frontend.arms && { arm: arms?.get(service) ?? '' }),
  ...(route !== undefined && { route }),
  ...(frontend.variant !== undefined && { variant: frontend.variant, ...(clients !== undefined && { clients }) }),
});
