import type { Cluster } from '../core/cluster.ts';
import type { ServedQuestion } from '../core/explain/decision.ts';
import type { Shares } from '../core/explain/shares.ts';
import { socketText } from '../core/explain/text.ts';
import type { Client, DesiredPort } from '../core/model/desired.ts';
import { type Part, partsOf, refusedShare } from '../core/plan/answer.ts';
import { algorithmOf } from '../core/plan/choice.ts';
import { frontendFor, frontendKey, type Have, isClosing, type Port } from '../core/plan/have.ts';
import type { Capacity, FrontendKey, FrontendWrite } from '../core/plan/transaction.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Reconciler } from './reconciler.ts';
import { rulingRoutes } from './ruling-routes.ts';
import type { BackendView, ServiceUsage, ServiceView } from './view.ts';

/**
 * What the tables hold, by name: read from the tables themselves each time that somebody asks. Between one Service port
 * and the next anything may happen: ports come and go, tables grow or are read anew.
 */

export function* serviceViews(
  reconciler: Reconciler,
  dataplane: Dataplane,
  only: string | undefined,
): Generator<ServiceView> {
  for (const { id, port, have } of portsOf(reconciler, only)) {
    const number = numberOf(port);
    const { affinityTimeoutS, choice } = have.tables.service(port.service);
    const asked = port.frontends.filter((frontend) => !isClosing(frontend) && frontend.client === undefined);
    yield {
      id,
      ...namesOf(id),
      port: number,
      addresses: asked.filter((frontend) => frontend.port === number).map(({ address }) => address),
      nodePort: asked.find((frontend) => frontend.port !== number)?.port ?? 0,
      backends: countBackends(have, port),
      algorithm: algorithmOf(choice),
      ...routeField(rulingRoutes(reconciler.cluster, id), undefined),
      affinityTimeoutS,
      stats: dataplane.stats.service(port.service),
    };
  }
}

export function* backendViews(
  reconciler: Reconciler,
  dataplane: Dataplane,
  only: string | undefined,
): Generator<BackendView> {
  for (const found of portsOf(reconciler, only))
    yield* backendsOf(found, rulingRoutes(reconciler.cluster, found.id), dataplane);
}

/** Without what a scrape does not show: of a large cluster most Services are never used on a node. */
export function* serviceUsage(reconciler: Reconciler, dataplane: Dataplane): Generator<ServiceUsage> {
  for (const { id, port } of portsOf(reconciler, undefined)) {
    const { stats } = dataplane;
    yield {
      ...namesOf(id),
      port: numberOf(port),
      stats: stats.isUsed(port.service) ? stats.service(port.service) : undefined,
    };
  }
}

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

interface Found {
  readonly id: string;
  readonly port: Port;
  readonly have: Have;
}

/** The ports that there are now, each as it is when it is its turn. */
function* portsOf(reconciler: Reconciler, only: string | undefined): Generator<Found> {
  const start = only === undefined ? '' : `${only}/`;
  for (const id of [...(reconciler.have?.ports.keys() ?? [])]) {
    if (!id.startsWith(start)) continue;
    const { have } = reconciler;
    const port = have?.ports.get(id);
    if (have !== undefined && port !== undefined) yield { id, port, have };
  }
}

/** All at once: an index means something else after a change. */
const backendsOf = (
  { id, port, have }: Found,
  routes: ReadonlyMap<number, string>,
  { stats }: Dataplane,
): readonly BackendView[] => {
  const { namespace, service } = namesOf(id);
  return choicesOf(port).flatMap((frontend) =>
    partsOf(have.tables, frontend).flatMap((part) =>
      Array.from(part.backends, ([index, share]) => {
        const { address, port: backendPort, weight } = have.tables.backend(index);
        const place = { service: `${namespace}/${service}`, id, address, port: backendPort };
        const algorithm = algorithmOf(have.tables.service(part.service).choice);
        return {
          ...place,
          ...choiceOf(port, frontend, part),
          ...routeField(routes, frontend.variant),
          algorithm,
          weight,
          share,
          stats: stats.backend(index),
        };
      }),
    ),
  );
};

const choiceOf = (
  { arms }: Port,
  frontend: FrontendWrite,
  { service }: Part,
): Pick<BackendView, 'arm' | 'variant'> => ({
  ...(frontend.arms && { arm: arms?.get(service) ?? '' }),
  ...(frontend.variant !== undefined && { variant: frontend.variant }),
});

const routeField = (routes: ReadonlyMap<number, string>, variant = 0): Pick<BackendView, 'route'> => {
  const route = routes.get(variant);
  return route === undefined ? {} : { route };
};

const namesOf = (id: DesiredPort['id']): Pick<ServiceView, 'namespace' | 'service' | 'portName' | 'protocol'> => {
  const [namespace = '', service = '', portName = '', protocol = ''] = id.split('/');
  return { namespace, service, portName, protocol: protocol === 'UDP' ? 'UDP' : 'TCP' };
};

/** One frontend for each range of slots: several addresses, and clients with the same choice, may share one. */
const choicesOf = ({ frontends }: Port): readonly FrontendWrite[] => [
  ...new Map(
    frontends.filter(({ slotCount }) => slotCount > 0).map((frontend) => [frontend.slotBase, frontend]),
  ).values(),
];

/** An endpoint may be chosen in several ways: through several arms, by some clients and by everybody. */
const countBackends = ({ tables }: Have, port: Port): number =>
  new Set(
    choicesOf(port)
      .flatMap((frontend) => partsOf(tables, frontend))
      .flatMap(({ backends }) => Array.from(backends.keys(), (index) => socketText(tables.backend(index)))),
  ).size;
