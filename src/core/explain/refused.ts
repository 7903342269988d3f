import type { ExplainedEndpoint, RefusedReason } from './decision.ts';

/** The verdict of those that came furthest through the rules: what to mend first. */
export const refusedReason = ({
  slices,
  endpoints,
}: {
  readonly slices: readonly string[];
  readonly endpoints: readonly ExplainedEndpoint[];
}): RefusedReason => {
  if (slices.length === 0) return 'no slice';
  const verdicts = new Set(endpoints.map(({ verdict }) => verdict.verdict));
  if (verdicts.has('weight 0')) return 'every weight is 0';
  if (verdicts.has('not ready')) return 'no endpoint ready';
  if (verdicts.has('not on this node')) return 'no endpoint on this node';
  if (verdicts.has('no port of that name')) return 'no endpoint with that port';
  return verdicts.has('other family') ? 'no endpoint of that family' : 'no endpoint';
};

export const isAnswering = ({ verdict }: ExplainedEndpoint): boolean => verdict.verdict === 'share';
