import type { Decision, ExplainedEndpoint, KernelAnswer } from './decision.ts';
import { isUnowned } from './errors.ts';
import { ALL_REFUSED, type Shares, sharesOfDecision } from './shares.ts';

/** `table`: null when the kernel holds nothing. `whole`: every object could be read at least once. */
export const compare = (decision: Decision, table: Shares | null, whole: boolean): KernelAnswer => {
  const outcome = table === null ? 'left alone' : table.shares.size === 0 ? 'refused' : 'sent';
  const held = table ?? { ...ALL_REFUSED, refused: 0 };
  const agrees =
    outcome === decision.outcome && (table === null || areNear(held, sharesOfDecision(decision), decision));
  const kept = !whole && table !== null && isUnnamed(decision, table);
  return { outcome, shares: Object.fromEntries(held.shares), refused: held.refused, agrees, ...(kept ? { kept } : {}) };
};

const areNear = (held: Shares, wanted: Shares, decision: Decision): boolean => {
  const tolerance = isRising(decision) ? RISING_TOLERANCE : SHARE_TOLERANCE;
  return (
    held.shares.size === wanted.shares.size &&
    Math.abs(held.refused - wanted.refused) <= SHARE_TOLERANCE &&
    [...wanted.shares].every(([socket, share]) => Math.abs((held.shares.get(socket) ?? -1) - share) <= tolerance)
  );
};

/** Slots round shares to 2^-32; whatever is further off than this was another choice. */
const SHARE_TOLERANCE = 1e-6;

/** What is new has the weight of a moment ago. */
const RISING_TOLERANCE = 0.03;

const isRising = (decision: Decision): boolean =>
  'endpoints' in decision &&
  [decision.endpoints, ...(decision.arms ?? []).map(({ endpoints }) => endpoints)].some((endpoints) =>
    endpoints.some(hasRisen),
  );

const hasRisen = ({ verdict }: ExplainedEndpoint): boolean => verdict.verdict === 'share' && 'risen' in verdict;

/** No object names what the kernel holds: the address, or any endpoint of it. */
const isUnnamed = (decision: Decision, { shares }: Shares): boolean => {
  if (decision.outcome === 'refused') return shares.size > 0;
  return decision.outcome === 'left alone' && isUnowned(decision.why);
};
