/** What follows from counters, whoever reads them. Those that went back were reset, and count from 0. */

/** Attempts that came to nothing, whatever the reason. */
export const failedOf = ({
  refused = 0,
  timedOut = 0,
  unreachable = 0,
  abandoned = 0,
}: Partial<Record<'refused' | 'timedOut' | 'unreachable' | 'abandoned', number>>): number =>
  refused + timedOut + unreachable + abandoned;

/** Of a histogram: what each bucket has grown by. */
export const bucketsBetween = (before: readonly number[] = [], after: readonly number[] = []): readonly number[] =>
  after.map((count, bucket) => count - (before[bucket] ?? 0));

export const haveBucketsFallen = (before: readonly number[] = [], after: readonly number[] = []): boolean =>
  before.some((count, bucket) => (after[bucket] ?? 0) < count);
