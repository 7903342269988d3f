import type { Cluster } from '../core/cluster.ts';
import type { ServedQuestion } from '../core/explain/decision.ts';
import type { Shares } from '../core/explain/shares.ts';
import { socketText } from '../core/explain/text.ts';
import type { DesiredPort } from '../core/model/desired.ts';
import { shares } from '../core/plan/alias.ts';
import { CLOSING, frontendKey, type Have, isClosing, type Port } from '../core/plan/have.ts';
import type { Capacity, FrontendKey, FrontendWrite } from '../core/plan/transaction.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Reconciler } from './reconciler.ts';
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
    const asked = port.frontends.filter((frontend) => !isClosing(frontend));
    yield {
      id,
      ...namesOf(id),
      port: number,
      addresses: asked.filter((frontend) => frontend.port === number).map(({ address }) => address),
      nodePort: asked.find((frontend) => frontend.port !== number)?.port ?? 0,
      backends: rangesOf(port).reduce((sum, range) => sum + sharesOf(have, range).size, 0),
      affinityTimeoutS: have.tables.service(port.service).affinityTimeoutS,
      stats: dataplane.stats.service(port.service),
    };
  }
}

export function* backendViews(
  reconciler: Reconciler,
  dataplane: Dataplane,
  only: string | undefined,
): Generator<BackendView> {
  for (const found of portsOf(reconciler, only)) yield* backendsOf(found, dataplane);
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
  { address, port, protocol, client: pod = '' }: ServedQuestion,
): Shares | null => {
  const asked = { address, port, protocol };
  const client = clients.get(pod)?.cgroup;
  const held = (client === undefined ? null : kernelAnswer(have, { ...asked, client })) ?? kernelAnswer(have, asked);
  return held === null ? null : { shares: held, refused: held.size === 0 ? 1 : 0 };
};

/** Shares by `socketText` that the kernel gives for a key; empty when it refuses, null when it holds nothing. */
export const kernelAnswer = (have: Have, key: FrontendKey): ReadonlyMap<string, number> | null => {
  const frontend = have.frontends.get(frontendKey(key)) ?? have.frontends.get(frontendKey({ ...key, ...CLOSING }));
  if (frontend === undefined) return null;
  return new Map(
    [...sharesOf(have, frontend)].map(([index, share]) => [socketText(have.tables.backend(index)), share]),
  );
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
const backendsOf = ({ id, port, have }: Found, { stats }: Dataplane): readonly BackendView[] => {
  const { namespace, service } = namesOf(id);
  return rangesOf(port).flatMap((range) =>
    Array.from(sharesOf(have, range), ([index, share]) => {
      const { address, port: backendPort, weight } = have.tables.backend(index);
      const place = { service: `${namespace}/${service}`, id, address, port: backendPort };
      return { ...place, weight, share, stats: stats.backend(index) };
    }),
  );
};

const namesOf = (id: DesiredPort['id']): Pick<ServiceView, 'namespace' | 'service' | 'portName' | 'protocol'> => {
  const [namespace = '', service = '', portName = '', protocol = ''] = id.split('/');
  return { namespace, service, portName, protocol: protocol === 'UDP' ? 'UDP' : 'TCP' };
};

/** One frontend for each range of slots: several addresses may share one. */
const rangesOf = ({ frontends }: Port): readonly FrontendWrite[] => [
  ...new Map(
    frontends.filter(({ slotCount }) => slotCount > 0).map((frontend) => [frontend.slotBase, frontend]),
  ).values(),
];

const sharesOf = ({ tables }: Have, { slotBase, slotCount }: FrontendWrite): Map<number, number> =>
  slotCount === 0 ? new Map() : shares(tables.slots(slotBase, slotCount), slotCount);
