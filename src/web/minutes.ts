import type { Series, SeriesName } from './wire.ts';

/** Charts as a table: the mean of each minute, the last one first. */
export interface Minute {
  /** How long ago it began. */
  readonly back: number;
  readonly values: Readonly<Partial<Record<SeriesName, number>>>;
}

export const minutesOf = (series: Series, stepMs: number): readonly Minute[] => {
  const perMinute = 60_000 / stepMs;
  const names = Object.keys(series) as SeriesName[];
  const steps = series.connections.length;
  return Array.from({ length: Math.ceil(steps / perMinute) }, (_, minute) => {
    const end = steps - minute * perMinute;
    const values = names.flatMap((name): [SeriesName, number][] => {
      const known = series[name].slice(Math.max(0, end - perMinute), end).filter((value) => value !== null);
      return known.length === 0 ? [] : [[name, known.reduce((sum, value) => sum + value, 0) / known.length]];
    });
    return { back: minute + 1, values: Object.fromEntries(values) };
  }).filter(({ values }) => Object.keys(values).length > 0);
};
