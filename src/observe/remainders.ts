import type { ServiceStats } from '../dataplane/dataplane.ts';

/** What is left of a counter beside those that are parts of it. */
export interface Remainder {
  /** Connections that neither were reset nor broke, and of how many. */
  readonly closed: number;
  readonly ofClosed: number;
  /** What was rejected for want of endpoints, and of how many. */
  readonly noEndpoints: number;
  readonly ofRejected: number;
}

/**
 * The kernel counts on while counters are read one after the other, so a difference may be less than at the last scrape.
 * To Prometheus a counter that falls has begun anew, and a rate would show all of it at once: so none of these falls.
 */
export class Remainders {
  /** By the labels of the Service port. */
  readonly #last = new Map<string, Remainder>();

  of(labels: string, { closed, reset, broken, rejected, rejectedNoPort, rejectedShare }: ServiceStats): Remainder {
    const last = this.#last.get(labels) ?? NOTHING;
    const remainder = {
      closed: Math.max(closed < last.ofClosed ? 0 : last.closed, closed - reset - broken),
      ofClosed: closed,
      noEndpoints: Math.max(
        rejected < last.ofRejected ? 0 : last.noEndpoints,
        rejected - rejectedNoPort - rejectedShare,
      ),
      ofRejected: rejected,
    };
    this.#last.set(labels, remainder);
    return remainder;
  }

  /** Others have gone. */
  keep(used: readonly { readonly labels: string }[]): void {
    if (this.#last.size <= used.length) return;
    const kept = new Set(used.map(({ labels }) => labels));
    for (const labels of this.#last.keys()) if (!kept.has(labels)) this.#last.delete(labels);
  }
}

/** As of one whose counters have begun anew. */
const NOTHING: Remainder = Object.freeze({ closed: 0, ofClosed: 0, noEndpoints: 0, ofRejected: 0 });
