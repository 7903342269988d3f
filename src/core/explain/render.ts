import type { Complaint } from '../model/objects.ts';
import type { Closed, Decision, KernelAnswer, LeftAlone, LeftAloneReason, Question } from './decision.ts';
import { answeredLines } from './render-answer.ts';
import { pairLines } from './render-same-node.ts';
import { alignColumns, percentText, questionText } from './text.ts';

/** A decision as lines of plain text: first what happens, then who answers, then who does not and why. */
export const renderExplain = (decision: Decision): readonly string[] => [
  ...detachedLines(decision),
  ...elsewhereLines(decision),
  ...(decision.unread ? ['The source has not been read yet; as far as objects are known:', ''] : []),
  ...outcomeLines(decision),
  ...(decision.kernel === undefined ? [] : ['', ...kernelLines(decision.kernel)]),
  ...(decision.errors === undefined ? [] : ['', ...errorLines(decision.errors)]),
];

/** Shares of tables that no program reads are nobody's. */
const detachedLines = ({ detached = [] }: Decision): readonly string[] =>
  detached.length === 0
    ? []
    : [
        `Not in force now: ${detached.join(', ')} of this agent ${detached.length === 1 ? 'is' : 'are'} not attached.`,
        'Until the agent has attached what is missing (see `shunt status`), connections need not go as is said here:',
        '',
      ];

const elsewhereLines = ({ question, elsewhere }: Decision): readonly string[] => {
  if (elsewhere === undefined) return [];
  const { node, askedOn } = elsewhere;
  const not = askedOn === '' ? '' : `, not ${askedOn}`;
  return [`Pod ${question.client} is on node ${node}${not}: what follows is said of ${node}.`, ''];
};

const outcomeLines = (decision: Decision): readonly string[] => {
  switch (decision.outcome) {
    case 'left alone':
      return [leftAloneLine(decision), ...pairLines(decision.sameNode)];
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

const kernelLines = ({ agrees, outcome, shares, refused, kept }: KernelAnswer): readonly string[] => {
  if (agrees) return ["The kernel's tables say the same."];
  const held = Object.entries(shares).map(([socket, share]) => [socket, percentText(100 * share)]);
  if (held.length > 0 && refused > 0) held.push(['refused', percentText(100 * refused)]);
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
  'An object with an error is as it was before, if it was there:',
  ...errors.slice(0, ERRORS_SHOWN).map((error) => `  ${errorText(error)}`),
  ...(errors.length > ERRORS_SHOWN ? [`  and ${errors.length - ERRORS_SHOWN} more: -o json`] : []),
];

/** What is said about a file as a whole has its path in front already. */
const errorText = ({ object, path, message, origin }: Complaint): string => {
  const place = origin === undefined ? '' : `${origin.file}:${origin.line}`;
  const about = [object === origin?.file ? '' : object, path].filter((part) => part !== '').join(' ');
  return [place, about, message].filter((part) => part !== '').join(': ');
};
