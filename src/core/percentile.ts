/**
 * Of a histogram whose bucket i counts what took less than 2^i microseconds and not less than half of that. Within a
 * bucket all are taken to lie evenly, as `histogram_quantile` of Prometheus does. The last bucket has no end: what lies
 * there is said to be as long as its beginning. Undefined where nothing was counted.
 */
export const percentileUs = (buckets: readonly number[], share: number): number | undefined => {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let below = 0;
  for (const [bucket, count] of buckets.entries()) {
    if (count > 0 && below + count >= total * share) {
      const from = bucket === 0 ? 0 : 2 ** (bucket - 1);
      if (bucket === buckets.length - 1) return from;
      return from + (2 ** bucket - from) * ((total * share - below) / count);
    }
    below += count;
  }
  return undefined;
};
