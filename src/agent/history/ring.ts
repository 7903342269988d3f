import { percentileUs } from '../../core/percentile.ts';
import type { Growth } from './growth.ts';

/** 15 minutes in steps of 5 s. */
export const STEP_MS = 5000;
export const STEPS = 180;
/** And that of the look under way. */
const SLOTS = STEPS + 1;

/** A second, but for the latencies. */
export const SERIES = [
  'connections',
  'failed',
  'rejected',
  'datagrams',
  'sent',
  'received',
  'connectP50Us',
  'connectP99Us',
] as const;

export type SeriesName = (typeof SERIES)[number];

/** The last steps of one Service port, or of the node: 5,792 bytes. A step that nobody saw, or a latency of none, is NaN. */
export class Ring {
  readonly #values = new Float32Array(SERIES.length * SLOTS).fill(Number.NaN);

  /** The step before all that are kept goes. */
  clear(step: number): void {
    for (let series = 0; series < SERIES.length; series++) this.#values[series * SLOTS + (step % SLOTS)] = Number.NaN;
  }

  note(step: number, growth: Growth, elapsedMs: number): void {
    for (const [series, name] of SERIES.entries())
      this.#values[series * SLOTS + (step % SLOTS)] = valueIn(name, growth, elapsedMs);
  }

  /** The newest last, which is `step`; null: not known. */
  read(name: SeriesName, step: number): (number | null)[] {
    const base = SERIES.indexOf(name) * SLOTS;
    return Array.from({ length: STEPS }, (_, back) => {
      const value = this.#values[base + ((step + 2 + back) % SLOTS)] ?? Number.NaN;
      return Number.isNaN(value) ? null : Number(value.toPrecision(4));
    });
  }

  last(name: SeriesName, step: number): number | undefined {
    const value = this.#values[SERIES.indexOf(name) * SLOTS + (step % SLOTS)] ?? Number.NaN;
    return Number.isNaN(value) ? undefined : value;
  }

  /** Of the last steps, of those that are known. */
  sum(name: SeriesName, step: number, steps: number): number {
    const base = SERIES.indexOf(name) * SLOTS;
    let total = 0;
    for (let back = 0; back < steps; back++) total += this.#values[base + ((step - back + SLOTS) % SLOTS)] || 0;
    return total;
  }
}

const valueIn = (name: SeriesName, growth: Growth, elapsedMs: number): number => {
  if (name === 'connectP50Us') return percentileUs(growth.latency, 0.5) ?? Number.NaN;
  if (name === 'connectP99Us') return percentileUs(growth.latency, 0.99) ?? Number.NaN;
  return (growth[name] * 1000) / elapsedMs;
};
