import type { Clock } from '../../agent/clock.ts';
import type { AgentView, BackendView, ServiceView } from '../../agent/view.ts';
import { failedOf } from '../../core/counted.ts';
import type { Backend, Detail, ServiceDetail } from '../../web/wire.ts';
import { refuse } from '../queries.ts';
import { countsOf } from './overview.ts';

/** However many endpoints there are: those with the largest shares. */
const BACKENDS_MAX = 100;
/** What lives on at endpoints that get no new connections changes slowly, and to find it takes long. */
const LEFT_MS = 10_000;
/** However many pages ask, for whatever they ask: it may have a twentieth of the time. */
const LEFT_COST = 20;

/** Reads one Service port and its endpoints, every second while a page shows it. */
export class Details {
  readonly #clock: Clock;
  /** By the id of the Service port. */
  readonly #left = new Map<string, Left>();
  #nextMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws SHUNT_E_HTTP_PARAMETER when it is not there (any more). */
  read(view: AgentView, id: string): Detail {
    const [service] = view.services(id);
    if (service === undefined) throw refuse('id', id, 'one of a Service port that is programmed now is');
    const atMs = this.#clock.monotonicMs();
    const backends = this.#backends(view, id);
    const largest = backends.length > BACKENDS_MAX ? backends.toSorted((a, b) => b.share - a.share) : backends;
    return {
      atMs,
      service: serviceOf(service),
      backends: largest.slice(0, BACKENDS_MAX).map((backend) => backendOf(backend, this.#clock.wallMs())),
      more: Math.max(0, backends.length - BACKENDS_MAX),
    };
  }

  #backends(view: AgentView, id: string): readonly BackendView[] {
    const nowMs = this.#clock.monotonicMs();
    const isOld = ({ readMs }: Left): boolean => nowMs - readMs >= LEFT_MS;
    const known = this.#left.get(id);
    if (nowMs < this.#nextMs || (known !== undefined && !isOld(known)))
      return [...view.backends(id, false), ...(known?.backends ?? [])];
    const all = [...view.backends(id)];
    const readMs = this.#clock.monotonicMs();
    this.#nextMs = readMs + LEFT_COST * (readMs - nowMs);
    for (const [other, left] of this.#left) if (isOld(left)) this.#left.delete(other);
    const backends = all.filter(({ state }) => state === 'drained' || state === 'earlier');
    this.#left.set(id, { readMs: nowMs, backends });
    return all;
  }
}

interface Left {
  readonly readMs: number;
  readonly backends: readonly BackendView[];
}

const serviceOf = ({ stats, backends: _, ...service }: ServiceView): ServiceDetail => ({
  ...service,
  counts: countsOf(stats),
});

const backendOf = (backend: BackendView, nowMs: number): Backend => {
  const { state, address, port, arm, clients, share, observed, stats } = backend;
  const { attempts = 0, rejected = 0, active = 0 } = stats;
  const group = groupOf(backend);
  // That clock may have been put back.
  const forMs = Math.max(0, nowMs - (observed?.sinceMs ?? nowMs));
  return {
    key: [group, arm ?? '', state, address, port].join(' '),
    group,
    ...{ state, address, port, share },
    ...(arm !== undefined && arm !== '' && { arm }),
    ...(clients !== undefined && { clients }),
    ...(observed !== undefined && observed.of > 0 && { observed: { share: observed.share, of: observed.of, forMs } }),
    connections: attempts,
    failed: failedOf(stats),
    rejected,
    active,
  };
};

const groupOf = ({ state, family, address, variant = 0, clients }: BackendView): string => {
  const version = family ?? (address.includes(':') ? 6 : 4);
  const of = state === 'refused' && family === undefined ? 'IPv4 and IPv6' : `IPv${version}`;
  return variant === 0 && clients === undefined ? of : `${of} ${clients ?? variant}`;
};
