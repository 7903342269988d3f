import type { DesiredEndpoint, DesiredGroup } from '../model/desired.ts';
import type { Decision, ExplainedEndpoint } from './decision.ts';
import { socketText } from './text.ts';

/** Where connections go: by `socketText`, 0..1, and what is refused. They add up to 1. */
export interface Shares {
  readonly shares: ReadonlyMap<string, number>;
  readonly refused: number;
}

export const ALL_REFUSED: Shares = { shares: new Map(), refused: 1 };

/** The exact shares of a group: what many connections must add up to. */
export const sharesOfGroup = ({ endpoints, arms }: DesiredGroup): Shares =>
  arms === undefined
    ? sum([{ weight: 1, endpoints }])
    : sum(arms.map(({ weight, endpoints: own }) => ({ weight, endpoints: own })));

export const sharesOfDecision = (decision: Decision): Shares => {
  if (!('endpoints' in decision)) return ALL_REFUSED;
  return decision.arms === undefined
    ? sum([{ weight: 1, endpoints: answering(decision.endpoints) }])
    : sum(decision.arms.map(({ weight, endpoints }) => ({ weight, endpoints: answering(endpoints) })));
};

const answering = (endpoints: readonly ExplainedEndpoint[]): readonly DesiredEndpoint[] =>
  endpoints.flatMap(({ address, port = 0, verdict }) =>
    verdict.verdict === 'share' ? [{ address, port, weight: verdict.weight }] : [],
  );

/** An endpoint may answer for more than one part. */
const sum = (parts: readonly { readonly weight: number; readonly endpoints: readonly DesiredEndpoint[] }[]): Shares => {
  const shares = new Map<string, number>();
  const total = totalOf(parts);
  let refused = total === 0 ? 1 : 0;
  for (const { weight, endpoints } of parts) {
    if (weight === 0) continue;
    if (endpoints.length === 0) refused += weight / total;
    const of = totalOf(endpoints);
    for (const endpoint of endpoints) {
      const socket = socketText(endpoint);
      shares.set(socket, (shares.get(socket) ?? 0) + (weight / total) * (endpoint.weight / of));
    }
  }
  return { shares, refused };
};

const totalOf = (weighed: readonly { readonly weight: number }[]): number =>
  weighed.reduce((total, { weight }) => total + weight, 0);
