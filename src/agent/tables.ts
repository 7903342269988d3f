import { socketText } from '../core/explain/text.ts';
import type { DesiredPort } from '../core/model/desired.ts';
import { shares } from '../core/plan/alias.ts';
import { frontendKey, type Have, type Port } from '../core/plan/have.ts';
import type { Capacity, FrontendKey, FrontendWrite } from '../core/plan/transaction.ts';
import type { Dataplane } from '../dataplane/dataplane.ts';
import type { Reconciler } from './reconciler.ts';
import type { BackendView, ServiceView } from './view.ts';

/** What the tables hold, by name: read from the tables themselves each time that somebody asks. */

export function* serviceViews({ have }: Reconciler, { stats }: Dataplane): Generator<ServiceView> {
  for (const [id, port] of have?.ports ?? []) {
    yield {
      id,
      ...namesOf(id),
      port: port.frontends[0]?.port ?? 0,
      addresses: port.frontends.map(({ address }) => address),
      backends: rangesOf(port).reduce((sum, range) => sum + sharesOf(have as Have, range).size, 0),
      affinityTimeoutS: (have as Have).tables.service(port.service).affinityTimeoutS,
      stats: stats.service(port.service),
    };
  }
}

export const backendViews = (
  { have }: Reconciler,
  { stats }: Dataplane,
  only: string | undefined,
): readonly BackendView[] => {
  const views: BackendView[] = [];
  for (const [id, port] of have?.ports ?? []) {
    const { namespace, service } = namesOf(id);
    if (only !== undefined && only !== `${namespace}/${service}`) continue;
    for (const range of rangesOf(port)) {
      for (const [index, share] of sharesOf(have as Have, range)) {
        const { address, port: backendPort, weight } = (have as Have).tables.backend(index);
        const place = { service: `${namespace}/${service}`, id, address, port: backendPort };
        views.push({ ...place, weight, share, stats: stats.backend(index) });
      }
    }
  }
  return views;
};

/** Shares by `socketText` that the kernel gives for a key; empty when it refuses, null when it holds nothing. */
export const kernelAnswer = (have: Have, key: FrontendKey): ReadonlyMap<string, number> | null => {
  const frontend = have.frontends.get(frontendKey(key));
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
