import type { ChoiceRule } from '../model/desired.ts';
import type { ExplainedEndpoint, Refused, Sent, Verdict } from './decision.ts';
import { isAnswering } from './refused.ts';
import { alignColumns, percentText, socketText } from './text.ts';

/** Those that share, then those that do not and why; each part after an empty line, if there is any. */
export const endpointLines = (endpoints: readonly ExplainedEndpoint[]): readonly string[] => {
  const chosen = endpoints.filter(isAnswering);
  const others = endpoints.filter((endpoint) => !isAnswering(endpoint));
  return [
    ...(chosen.length === 0 ? [] : ['', ...rowsOf(chosen)]),
    ...(others.length === 0 ? [] : ['', 'Not chosen:', ...rowsOf(others)]),
  ];
};

/** `sent to one of 3 endpoints by RoundRobin (TrafficPolicy shop/turns)` */
export const sentText = (
  count: number,
  { choice, policy, choiceBy = policy }: Pick<Sent, 'choice' | 'policy' | 'choiceBy'>,
): string => {
  const by = choice.algorithm === 'WeightedRandom' ? '' : ` by ${algorithmText(choice)} (${choiceBy})`;
  return count === 1 ? `sent to its one endpoint${by}` : `sent to one of ${count} endpoints${by}`;
};

/** What is not seen from the endpoints themselves. */
export const policyNote = ({ choice, policy, fallback, client, arms = [] }: Sent | Refused): readonly string[] => {
  const choices = [choice, ...arms.map((arm) => arm.choice)];
  const isByLoad = choices.some(({ algorithm }) => algorithm === 'LeastConnections' || algorithm === 'PeakEwma');
  return [
    ...(isByLoad ? ['Shares are the weights; what each gets of it follows its load from this node.'] : []),
    ...(client?.standing === 'apart' && policy !== undefined ? [forClientText(policy, fallback)] : []),
  ];
};

const forClientText = (policy: string, fallback: string | undefined): string =>
  `${policy} counts for this client${fallback === undefined ? '' : `, and ${fallback} for what it leaves unsaid`}.`;

const algorithmText = ({ algorithm, hashOn }: ChoiceRule): string =>
  algorithm === 'Maglev' ? `Maglev of its ${hashOn === 'Pod' ? 'Pod' : 'source address'}` : algorithm;

const rowsOf = (endpoints: readonly ExplainedEndpoint[]): readonly string[] => {
  const rows = endpoints.map((endpoint) => [
    socketText(endpoint),
    verdictText(endpoint.verdict),
    endpoint.pod,
    endpoint.node,
    `EndpointSlice ${endpoint.slice}`,
    saidByText(endpoint.verdict),
    risenText(endpoint.verdict),
  ]);
  return alignColumns(rows).map((line) => `  ${line}`);
};

const verdictText = (verdict: Verdict): string => {
  switch (verdict.verdict) {
    case 'share':
      return `${percentText(verdict.percent).padStart('100.00 %'.length)} (${verdict.weight}/${verdict.of})`;
    case 'other family':
      return 'of the other address family';
    case 'not ready':
      return verdict.terminating ? 'terminating, and no longer serving' : 'not ready';
    case 'counted already':
      return `counted already, in EndpointSlice ${verdict.slice}`;
    default:
      return verdict.verdict;
  }
};

const saidByText = (verdict: Verdict): string =>
  'saidBy' in verdict && verdict.saidBy !== undefined
    ? `TrafficPolicy ${verdict.saidBy.policy} endpointWeights[${verdict.saidBy.entry}]`
    : '';

const risenText = (verdict: Verdict): string =>
  verdict.verdict === 'share' && verdict.risen !== undefined ? `new, at ${verdict.risen} % of its weight` : '';
