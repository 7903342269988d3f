import { median, ratioOf } from '../statistics.ts';
import type { SameNodeFigures } from './results.ts';

/** What is measured in turns: by the contender's name, one figure for each round. */
export type Series = ReadonlyMap<string, readonly number[]>;

/** Each is compared with each other one: by medians, by best rounds, and round by round. */
export const compareAll = (series: Series, better: 'less' | 'more'): SameNodeFigures[] => {
  const best = (figures: readonly number[]): number =>
    better === 'less' ? Math.min(...figures) : Math.max(...figures);
  const summaries = [...series].map(([name, figures]) => ({
    name,
    figures,
    median: median(figures),
    best: best(figures),
  }));
  return summaries.map((own) => ({
    name: own.name,
    median: round(own.median),
    best: round(own.best),
    against: Object.fromEntries(
      summaries
        .filter((other) => other !== own)
        .map((other) => [
          other.name,
          {
            medians: round(own.median / other.median),
            best: round(own.best / other.best),
            rounds: ratioOf(own.figures, other.figures),
          },
        ]),
    ),
  }));
};

/** The interval of the order statistics that holds the median with a confidence of 95 %, whatever the distribution. */
export const medianInterval = (figures: readonly number[]): readonly [low: number, high: number] => {
  const sorted = figures.toSorted((a, b) => a - b);
  const n = sorted.length;
  const off = Math.ceil(DEVIATIONS_95 * Math.sqrt(n) * 0.5);
  const low = sorted[Math.max(0, Math.floor((n - 1) / 2) - off)] ?? Number.NaN;
  const high = sorted[Math.min(n - 1, Math.ceil((n - 1) / 2) + off)] ?? Number.NaN;
  return [low, high];
};

/** Of a normal distribution, which that of ranks is near. */
const DEVIATIONS_95 = 1.96;

export const round = (value: number): number => Number(value.toFixed(4));
