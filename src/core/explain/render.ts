import type { Complaint } from '../model/objects.ts';
import type {
  Closed,
  Decision,
  ExplainedEndpoint,
  KernelAnswer,
  LeftAlone,
  LeftAloneReason,
  Question,
  Refused,
  Sent,
  Verdict,
} from './decision.ts';
import { alignColumns, socketText } from './text.ts';

/** A decision as lines of plain text: first what happens, then who answers, then who does not and why. */
export const renderExplain = (decision: Decision): readonly string[] => [
  ...(decision.unread ? ['The source has not been read yet; as far as objects are known:', ''] : []),
  ...outcomeLines(decision),
  ...(decision.kernel === undefined ? [] : ['', ...kernelLines(decision.kernel)]),
  ...(decision.errors === undefined ? [] : ['', ...errorLines(decision.errors)]),
];

const outcomeLines = (decision: Decision): readonly string[] => {
  switch (decision.outcome) {
    case 'left alone':
      return [leftAloneLine(decision)];
    case 'sent':
      return answeredLines(decision);
    case 'refused':
      return decision.reason === 'no such port' ? closedLines(decision) : answeredLines(decision);
  }
};

const closedLines = ({ question, service, ports }: Closed): readonly string[] => [
  `${questionText(question)} is no port of Service ${service}, which has this address (its ports: ${ports.join(', ')}).`,
  'A new connection is refused at once (ECONNREFUSED).',
];

const leftAloneLine = ({ question, why, kernel }: LeftAlone): string => {
  const asked = questionText(question);
  const because = leftAloneText(why, question);
  return kernel?.kept
    ? `${asked}: as far as objects could be read, ${because}.`
    : `${asked} is left alone: ${because}.`;
};

const leftAloneText = (why: LeftAloneReason, { address }: Question): string => {
  switch (why.reason) {
    case 'no such address':
      return `no Service has the address ${address}`;
    case 'endpoint address':
      return `${address} is no Service address but an endpoint of ${why.of
        .map(
          ({ service, slice, headless }) => `${headless ? 'headless ' : ''}Service ${service} (EndpointSlice ${slice})`,
        )
        .join(' and ')}`;
    case 'pod address':
      return `${address} is no Service address but Pod ${why.pod} on this node`;
    case 'not one of its ports':
      return `${address} is an address of ${why.of}, but this is none of its Service ports (${why.ports.join(', ') || 'none'})`;
    case 'not programmed':
      return `Service ${why.service} is not programmed (${why.complaint.path}): ${why.complaint.message}`;
    case 'no such port':
      return `Service ${why.service} has this address, but not this port (its ports: ${why.ports.join(', ') || 'none'})`;
    case 'protocol not served':
      return `Service ${why.service} has this port, but SCTP is not served`;
  }
};

const answeredLines = (decision: Sent | Refused): readonly string[] => {
  const { question, service, portName, endpoints } = decision;
  const chosen = endpoints.filter(({ verdict }) => verdict.verdict === 'share');
  const others = endpoints.filter(({ verdict }) => verdict.verdict !== 'share');
  const remarks = remarkLines(decision);
  return [
    `${questionText(question)} is ${KINDS[decision.kind]}${portName === '' ? 'the port' : `port ${portName}`} of Service ${service}.`,
    decision.outcome === 'sent' ? sentText(chosen.length) : refusedText(decision),
    ...(chosen.length === 0 ? [] : ['', ...endpointLines(chosen)]),
    ...(others.length === 0 ? [] : ['', 'Not chosen:', ...endpointLines(others)]),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
  ];
};

const KINDS = { cluster: '', external: 'by an external address ', node: 'by its node port ' } as const;

const sentText = (count: number): string =>
  count === 1
    ? 'A new connection is sent to its one endpoint:'
    : `A new connection is sent to one of ${count} endpoints:`;

const refusedText = ({ reason, slices }: Refused): string => {
  const why = {
    'no slice': 'no EndpointSlice is labelled with the name of this Service',
    'no endpoint': `EndpointSlice ${slices.join(', ')} lists no endpoint`,
    'no endpoint of that family': 'all of its endpoints are of the other address family',
    'no endpoint with that port': 'no EndpointSlice has a port of this name and protocol',
    'no endpoint on this node': 'none of its endpoints is on this node',
    'no endpoint ready': 'no endpoint that may answer is ready',
    'every weight is 0': 'every endpoint that could answer has weight 0',
  }[reason];
  return `A new connection is refused at once (ECONNREFUSED): ${why}.`;
};

const endpointLines = (endpoints: readonly ExplainedEndpoint[]): readonly string[] => {
  const rows = endpoints.map((endpoint) => [
    socketText(endpoint),
    verdictText(endpoint.verdict),
    endpoint.pod,
    endpoint.node,
    `EndpointSlice ${endpoint.slice}`,
    saidByText(endpoint.verdict),
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

const remarkLines = ({ affinityTimeoutS, onlyNode, rivals, complaints }: Sent | Refused): readonly string[] => [
  ...(affinityTimeoutS === 0
    ? []
    : [`A client keeps its endpoint until it was idle for ${affinityTimeoutS} s (sessionAffinity: ClientIP).`]),
  ...(onlyNode === undefined
    ? []
    : [`Only endpoints on this node (${onlyNode}) may answer (internalTrafficPolicy: Local).`]),
  ...rivals.map((rival) => `Service ${rival} asks for the same address and port, and goes without.`),
  ...complaints.map(({ severity, object, path, message }) => `${severity}: ${object} ${path}: ${message}`),
];

const kernelLines = ({ agrees, outcome, shares, kept }: KernelAnswer): readonly string[] => {
  if (agrees) return ["The kernel's tables say the same."];
  const held = Object.entries(shares).map(([socket, share]) => [socket, percentText(100 * share)]);
  const why = kept
    ? "The kernel's tables are kept as the last agent left them: the source has not been read as a whole (see complaints)"
    : "The kernel's tables say something else";
  return [
    `${why}; now a new connection is ${outcome}${held.length === 0 ? '.' : ':'}`,
    ...alignColumns(held).map((line) => `  ${line}`),
  ];
};

/** A directory may have one for every file. */
const ERRORS_SHOWN = 10;

const errorLines = (errors: readonly Complaint[]): readonly string[] => [
  'An error keeps the last good state:',
  ...errors.slice(0, ERRORS_SHOWN).map((error) => `  ${errorText(error)}`),
  ...(errors.length > ERRORS_SHOWN ? [`  and ${errors.length - ERRORS_SHOWN} more: -o json`] : []),
];

/** What is said about a file as a whole has its path in front already. */
const errorText = ({ object, path, message, origin }: Complaint): string => {
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}`;
  const about = [object === origin?.file ? '' : object, path].filter((part) => part !== '').join(' ');
  return [place, about, message].filter((part) => part !== '').join(': ');
};

const questionText = (question: Question): string => `${socketText(question)}/${question.protocol}`;

/** Two decimals, and as many more as a share below 0.01 % needs to be seen. */
const percentText = (percent: number): string => `${percent >= 0.01 ? percent.toFixed(2) : percent.toPrecision(1)} %`;
