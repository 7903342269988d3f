import { at, complain, type Fields, isAbsent, type Path, type Review, shown } from './read-field.ts';

/** Milliseconds of a duration of the Gateway API (GEP-2257), such as `1h30m`; undefined when it is none. */
export const gatewayDurationMs = (text: string): number | undefined =>
  GATEWAY_DURATION.test(text) ? sumMs(text) : undefined;

/** Of Go's `time.ParseDuration` without a sign, which also has fractions and smaller units: `1.5h`, `250us`. */
export const goDurationMs = (text: string): number | undefined => (GO_DURATION.test(text) ? sumMs(text) : undefined);

interface Bounds {
  readonly min: string;
  readonly max: string;
  /** What was the least by an earlier rule: what is stored since then counts as `min`, with a warning. */
  readonly earlierMin?: string;
}

/** A duration of the Gateway API in milliseconds within bounds, undefined when absent or wrong. */
export const durationField = (
  review: Review,
  fields: Fields,
  key: string,
  { min, max, earlierMin = min }: Bounds,
  parent?: Path,
): number | undefined => {
  const value = fields[key];
  if (isAbsent(value)) return undefined;
  const timeMs = typeof value === 'string' ? gatewayDurationMs(value) : undefined;
  if (timeMs === undefined) {
    complain(review, 'error', at(parent, key), `must be a duration such as "30s" or "1m30s", is ${shown(value)}`);
    return undefined;
  }
  const message = `must be ${min} to ${max}, is ${shown(value)}`;
  if (timeMs < sumMs(earlierMin) || timeMs > sumMs(max)) {
    complain(review, 'error', at(parent, key), message);
    return undefined;
  }
  if (timeMs >= sumMs(min)) return timeMs;
  complain(review, 'warning', at(parent, key), `${message}: it counts as ${min}`);
  return sumMs(min);
};

const sumMs = (text: string): number =>
  Array.from(text.matchAll(PART), ([, number, unit = '']) => Number(number) * (UNITS_MS[unit] ?? 0)).reduce(
    (sum, each) => sum + each,
    0,
  );

const GATEWAY_DURATION = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const GO_DURATION = /^(([0-9]+(\.[0-9]*)?|\.[0-9]+)(h|m|s|ms|us|µs|ns))+$/;
const PART = /([0-9.]+)(h|ms|m|s|us|µs|ns)/g;
const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 0.000_001,
};
