import type { Cluster } from '../core/cluster.ts';
import type { ServedQuestion } from '../core/explain/decision.ts';
import type { Shares } from '../core/explain/shares.ts';
import { socketText } from '../core/explain/text.ts';
import type { Client, DesiredPort } from '../core/model/desired.ts';
import { partsOf, refusedShare } from '../core/plan/answer.ts';
import { algorithmOf } from '../core/plan/choice.ts';
import { frontendFor, frontendKey, type Have, isClosing, type Port } from '../core/plan/have.ts';
import type { Capacity, FrontendKey } from '../core/plan/transaction.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import { backendsOf, choicesOf } from './backend-views.ts';
import { type Found, foundPorts, portsWith } from './found-ports.ts';
import type { Reconciler } from './reconciler.ts';
import { recordOwners } from './record-owners.ts';
import { type RulingView, rulingViews } from './rulings.ts';
import type { BackendView, ServiceUsage, ServiceView } from './view.ts';
import type { Naming } from './workload-totals.ts';

/**
 * What the tables hold, by name: read from the tables themselves each time that somebody asks. Between one Service port
 * and the next anything may happen: ports come and go, tables grow or are read anew.
 */

export function* serviceViews(
  reconciler: Reconciler,
  dataplane: Dataplane,
  only: string | undefined,
): Generator<ServiceView> {
  for (const found of foundPorts(reconciler, only)) {
    const { id, port, have } = found;
    const number = numberOf(port);
    const { affinityTimeoutS, choice } = have.tables.service(port.service);
    const asked = port.frontends.filter((frontend) => !isClosing(frontend) && frontend.client === undefined);
    yield {
      id,
      ...namesOf(id),
      portName: id.slice(id.indexOf('/', id.indexOf('/') + 1) + 1, id.lastIndexOf('/')),
      port: number,
      addresses: asked.filter((frontend) => frontend.port === number).map(({ address }) => address),
      nodePort: asked.find((frontend) => frontend.port !== number)?.port ?? 0,
      backends: countBackends(found),
      algorithm: algorithmOf(choice),
      ...routeOf(rulingViews(reconciler.cluster, id)),
      affinityTimeoutS,
      stats: dataplane.stats.service(port.service),
    };
  }
}

export function* backendViews(
  reconciler: Reconciler,
  dataplane: Dataplane,
  { only, left: withLeft }: { readonly only: string | undefined; readonly left: boolean },
): Generator<BackendView> {
  const left = withLeft ? dataplane.stats.left() : [];
  for (const found of foundPorts(reconciler, only))
    yield* backendsOf(found, rulingViews(reconciler.cluster, found.id), dataplane.stats, reconciler.observed, left);
}

/** Without what a scrape does not show: of a large cluster most Services are never used on a node. */
export function* serviceUsage(
  reconciler: Reconciler,
  dataplane: Dataplane,
  ids: Iterable<string> | undefined,
): Generator<ServiceUsage> {
  for (const { id, port } of ids === undefined ? foundPorts(reconciler, undefined) : portsWith(reconciler, ids)) {
    const { stats } = dataplane;
    const { namespace, service, protocol } = namesOf(id);
    const used = stats.isUsed(port.service) ? stats.service(port.service) : undefined;
    yield { id, namespace, service, protocol, port: numberOf(port), stats: used };
  }
}

/** The Service port that a record belongs to now, by its generation; undefined while no table is known. */
export const portOfRecord = (reconciler: Reconciler, dataplane: Dataplane): Naming['portOf'] | undefined => {
  const { have } = reconciler;
  if (have === undefined) return undefined;
  const owners = recordOwners(have);
  return (service, generation) => {
    const id = owners.get(service) ?? '';
    const port = have.ports.get(id);
    if (port === undefined || dataplane.tables.serviceGeneration(service) !== generation) return undefined;
    return { ...namesOf(id), port: numberOf(port) };
  };
};

/** Frontends stand in the order of the groups: those of the cluster addresses first. */
const numberOf = ({ frontends }: Port): number => frontends[0]?.port ?? 0;

/** What the kernel holds for a question: for its client, where it has an entry of its own, else for everybody. */
export const heldShares = (
  { clients }: Pick<Cluster, 'clients'>,
  have: Have,
  question: ServedQuestion,
): Shares | null => {
  const { address, port, protocol, client = '' } = question;
  return kernelAnswer(have, { address, port, protocol }, clients.get(client));
};

/**
 * Shares that the kernel gives a client of this node, or everybody; null when it holds nothing. With an algorithm that
 * looks at load or at the client they are what the weights ask for.
 */
export const kernelAnswer = (have: Have, key: FrontendKey, client?: Client): Shares | null => {
  const frontend = frontendFor((asked) => have.frontends.get(frontendKey(asked)), key, client);
  if (frontend === undefined) return null;
  const parts = partsOf(have.tables, frontend);
  const shares = new Map<string, number>();
  for (const { backends } of parts) {
    for (const [index, share] of backends) {
      const socket = socketText(have.tables.backend(index));
      shares.set(socket, (shares.get(socket) ?? 0) + share);
    }
  }
  return { shares, refused: shares.size === 0 ? 1 : refusedShare(parts) };
};

export const usedCapacity = (have: Have | undefined): Capacity => {
  if (have === undefined) return { frontends: 0, slots: 0, backends: 0, services: 0 };
  const { capacity } = have.tables;
  const { free } = have;
  return {
    frontends: have.frontends.size,
    slots: capacity.slots - free.slots.reduce((sum, { count }) => sum + count, 0),
    backends: capacity.backends - free.backends.count,
    services: capacity.services - free.services.count,
  };
};

const namesOf = (id: DesiredPort['id']): Pick<ServiceView, 'namespace' | 'service' | 'protocol'> => {
  const first = id.indexOf('/');
  const second = id.indexOf('/', first + 1);
  return {
    namespace: id.slice(0, first),
    service: id.slice(first + 1, second),
    protocol: id.endsWith('/UDP') ? 'UDP' : 'TCP',
  };
};

/** An endpoint may be chosen in several ways: through several arms, by some clients and by everybody. */
const countBackends = (found: Found): number => {
  const { tables } = found.have;
  const parts = choicesOf(found).flatMap((frontend) => partsOf(tables, frontend));
  return new Set(
    parts.flatMap(({ backends }) => Array.from(backends.keys(), (index) => socketText(tables.backend(index)))),
  ).size;
};

const routeOf = (rulings: ReadonlyMap<number, RulingView>): Pick<ServiceView, 'route'> => {
  const route = rulings.get(0)?.route;
  return route === undefined ? {} : { route };
};
