import type {
  Counters,
  LeftConnections,
  ServiceStats,
  SingleCounters,
  StaleSocket,
  StatsReader,
} from '../dataplane.ts';
import { sumLeft } from '../left.ts';

/** Counts what `FakeDataplane.connect` decides; everything after that never happens here and stays 0. */
export class FakeStats implements StatsReader {
  readonly #backends = new Map<number, Tally>();
  readonly #services = new Map<number, Tally>();
  readonly #turns = new Map<number, number>();
  readonly #stale: () => readonly StaleSocket[];
  #refused = 0;

  constructor(stale: () => readonly StaleSocket[]) {
    this.#stale = stale;
  }

  countSent(service: number, backend: number): void {
    tallyOf(this.#services, service).attempts++;
    tallyOf(this.#backends, backend).attempts++;
  }

  /** By an arm that leads nowhere. */
  countRejectedArm(service: number): void {
    tallyOf(this.#services, service).rejected++;
  }

  countRefused(service: number): void {
    tallyOf(this.#services, service).rejected++;
    this.#refused++;
  }

  /** Of a Service that takes turns; counted from 0. */
  takeTurn(service: number): number {
    const turn = this.#turns.get(service) ?? 0;
    this.#turns.set(service, turn + 1);
    return turn;
  }

  clear(backends: readonly number[], services: readonly number[]): void {
    for (const index of backends) this.#backends.delete(index);
    for (const index of services) {
      this.#services.delete(index);
      this.#turns.delete(index);
    }
  }

  isUsed(index: number): boolean {
    return this.#services.has(index);
  }

  backend(index: number): Counters {
    return { ...NOTHING, ...this.#backends.get(index) };
  }

  readonly single: SingleCounters = {
    isUsed: (service) => this.isUsed(service),
    chosen: (backend) => this.chosen(backend),
    rejected: (service) => this.service(service).rejected,
  };

  chosen(index: number): number {
    return this.#backends.get(index)?.attempts ?? 0;
  }

  service(index: number): ServiceStats {
    return {
      ...NOTHING,
      ...NO_QUALITY,
      ...this.#services.get(index),
      connectLatency: new Array(LATENCY_BUCKETS).fill(0),
    };
  }

  verdicts(): Readonly<Record<string, number>> {
    return { refused_no_endpoint: this.#refused };
  }

  left(): readonly LeftConnections[] {
    return sumLeft(this.#stale().map((socket) => ({ ...socket, isPending: false })));
  }

  connections(): { readonly used: number; readonly size: number } {
    return { used: 0, size: 0 };
  }
}

interface Tally {
  attempts: number;
  rejected: number;
}

const tallyOf = (tallies: Map<number, Tally>, index: number): Tally => {
  const tally = tallies.get(index) ?? { attempts: 0, rejected: 0 };
  tallies.set(index, tally);
  return tally;
};

/** As in bpf/abi.h. */
const LATENCY_BUCKETS = 32;

const NO_QUALITY = Object.freeze({
  retransmits: 0,
  rttMicros: 0,
  rttSamples: 0,
  rejectedNoPort: 0,
  rejectedShare: 0,
});

const NOTHING: Counters = Object.freeze({
  attempts: 0,
  established: 0,
  refused: 0,
  timedOut: 0,
  unreachable: 0,
  abandoned: 0,
  reset: 0,
  broken: 0,
  closed: 0,
  active: 0,
  pending: 0,
  bytesSent: 0,
  bytesReceived: 0,
  connectNs: 0,
  datagrams: 0,
  datagramsReceived: 0,
  rejected: 0,
});
