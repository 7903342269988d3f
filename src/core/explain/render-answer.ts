import type { Refused, Sent } from './decision.ts';
import { isAnswering } from './refused.ts';
import { armLines } from './render-arms.ts';
import { endpointLines, policyNote, sentText } from './render-endpoints.ts';
import { idleRouteLines, isSaidByRoutes } from './render-idle-routes.ts';
import { refusedText } from './render-refused.ts';
import { pairLines } from './render-same-node.ts';
import { questionText } from './text.ts';

/** Of a Service: who answers, then who does not and why, then what else there is to know. */
export const answeredLines = (decision: Sent | Refused): readonly string[] => {
  const { question, service, portName } = decision;
  const remarks = remarkLines(decision);
  return [
    `${questionText(question)} is ${KINDS[decision.kind]}${portName === '' ? 'the port' : `port ${portName}`} of Service ${service}.`,
    ...(decision.route === undefined ? ownLines(decision) : routeLines(decision)),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
  ];
};

const KINDS = { cluster: '', external: 'by an external address ', node: 'by its node port ' } as const;

const ownLines = (decision: Sent | Refused): readonly string[] => {
  const { endpoints } = decision;
  const sent =
    decision.outcome === 'sent'
      ? `A new connection is ${sentText(endpoints.filter(isAnswering).length, decision)}:`
      : `A new connection is refused at once (ECONNREFUSED): ${refusedText(decision.reason, decision)}.`;
  return [sent, ...endpointLines(endpoints)];
};

const routeLines = (decision: Sent | Refused): readonly string[] => {
  const { route, arms = [] } = decision;
  const only = route?.onlyNamespace === undefined ? [] : [`Pods of namespace ${route.onlyNamespace}`];
  const narrowed = route?.narrowedBy === undefined ? [] : [`the clients of ${route.narrowedBy}`];
  const forWhom = [...only, ...narrowed].join(' and ');
  const who = `${route?.name}${forWhom === '' ? '' : `, for ${forWhom},`}`;
  const what =
    decision.outcome === 'sent'
      ? `${who} shares its connections:`
      : `A new connection is refused at once (ECONNREFUSED): ${refusedText(decision.reason, decision)} (${route?.name}).`;
  return [what, ...armLines(arms)];
};

const remarkLines = (decision: Sent | Refused): readonly string[] => {
  const { affinityTimeoutS, onlyNode, rivals, complaints, arms = [], idleRoutes: idle } = decision;
  const unsaid = complaints.filter((complaint) => !isSaidByRoutes(complaint, idle));
  return [
    ...(affinityTimeoutS === 0
      ? []
      : [`A client keeps its endpoint until it was idle for ${affinityTimeoutS} s (sessionAffinity: ClientIP).`]),
    ...(onlyNode === undefined ? [] : [onlyNodeText(onlyNode)]),
    ...arms.flatMap((arm) => (arm.onlyNode === undefined ? [] : [`${arm.id}: ${onlyNodeText(arm.onlyNode)}`])),
    ...policyNote(decision),
    ...clientLines(decision),
    ...pairLines(decision.sameNode),
    ...rivals.map((rival) => `Service ${rival} asks for the same address and port, and goes without.`),
    ...idleRouteLines(idle),
    ...unsaid.map(({ severity, object, path, message }) => `${severity}: ${object} ${path}: ${message}`),
  ];
};

const onlyNodeText = (node: string): string =>
  `Only endpoints on this node (${node}) may answer (internalTrafficPolicy: Local).`;

const clientLines = ({ client, otherwise = [] }: Sent | Refused): readonly string[] => {
  if (client !== undefined)
    return [STANDINGS[client.standing].replace('POD', `Pod ${client.pod}`).replace('NODE', client.node ?? '')];
  if (otherwise.length === 0) return [];
  const more = otherwise.length > PODS_SHOWN ? ` and ${otherwise.length - PODS_SHOWN} more` : '';
  return [`Answered otherwise (see --from): Pod ${otherwise.slice(0, PODS_SHOWN).join(', ')}${more}.`];
};

const STANDINGS = {
  apart: 'So it is for POD, and not for everybody.',
  'as everybody': 'POD is answered as everybody is.',
  unknown: 'POD is not known here: this is what everybody gets. Is it spelt so, and a Pod of this node?',
  'other node': 'POD is on node NODE: this is what everybody gets on this one. Ask the agent there.',
  'no cgroup': 'The cgroup of POD is not known: it gets what everybody gets.',
} as const;

const PODS_SHOWN = 5;
