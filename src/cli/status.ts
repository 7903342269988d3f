import type { AgentStatus, ChangeSummary } from '../agent/view.ts';
import type { Complaint } from '../core/model/objects.ts';
import { askAgent } from './admin.ts';
import { agentFlag } from './agent-flags.ts';
import type { Command } from './command.ts';
import { complaintLine } from './complaint.ts';
import { count, duration, milliseconds, percent, plural } from './numbers.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { type Style, styleFor } from './style.ts';
import { renderPairs, renderTable } from './table.ts';

export const command: Command = {
  usage: 'status [FLAGS]',
  about:
    'Shows the running agent: whether it is ready, what it read, what it wrote last, how full its tables are, and the\n' +
    'first errors and warnings about the objects; with -o json all of them, and the notes, as complaints.all.',
  flags: { ...OUTPUT_FLAGS, socket: agentFlag('socket') },
  examples: [
    { command: 'shunt status', about: 'for people' },
    { command: 'shunt status -o json | jq .ready', about: 'for scripts' },
  ],
  run: async (context, given) => {
    const { socket = '' } = given.values;
    const status = await askAgent<AgentStatus>(socket, '/v1/status');
    const { complaints } = await askAgent<{ complaints: readonly Complaint[] }>(socket, '/v1/complaints');
    const style = styleFor(context.stdout, context.env);
    const data = { ...status, complaints: { ...status.complaints, all: complaints } };
    show('status', context, given, data, () =>
      [renderStatus(status, style, Date.now()), renderComplaints(complaints, style)].join(''),
    );
    return 0;
  },
};

export const renderStatus = (status: AgentStatus, style: Style, nowMs: number): string => {
  const { version, pid, startedAtMs, node, objects, complaints, lastChange } = status;
  const pairs = renderPairs(
    [
      ['agent', `shunt ${version}, pid ${pid}, up ${duration(nowMs - startedAtMs)}, node ${node}`],
      ['state', stateText(status, style)],
      ['source', sourceText(status.source, style)],
      ['objects', objectsText(objects)],
      ...clientsRow(status.clients, style),
      ...sameNodeRow(status.sameNode, style),
      ...statusWritingRow(status.statusWriting),
      [
        'complaints',
        [
          plural(complaints.errors, 'error'),
          plural(complaints.warnings, 'warning'),
          plural(complaints.notes, 'note'),
        ].join(', '),
      ],
      ['last change', lastChange === undefined ? 'none yet' : changeText(lastChange, nowMs)],
    ],
    style,
  );
  const watches = status.watches.length === 0 ? '' : `\n${watchesText(status.watches, nowMs, style)}`;
  return `${pairs}${watches}\n${tablesText(status, style)}`;
};

/** Kinds that few clusters have are told where there are any. */
const objectsText = (objects: AgentStatus['objects']): string =>
  [
    plural(objects.services, 'Service'),
    plural(objects.endpointSlices, 'EndpointSlice'),
    plural(objects.trafficPolicies, 'TrafficPolicy'),
    ...(objects.destinationRules > 0 ? [plural(objects.destinationRules, 'DestinationRule')] : []),
    ...(objects.routes > 0 ? [plural(objects.routes, 'route')] : []),
    ...(objects.referenceGrants > 0 ? [plural(objects.referenceGrants, 'ReferenceGrant')] : []),
    plural(objects.nodes, 'Node'),
    plural(objects.pods, 'Pod'),
  ].join(', ');

const clientsRow = ({ found, waiting, refused }: AgentStatus['clients'], style: Style): Pairs => {
  if (found + waiting + refused === 0) return [];
  const known = `${plural(found, 'Pod')} known by cgroup`;
  const awaited = waiting === 0 ? [] : [`${count(waiting)} without one yet`];
  const lost = refused === 0 ? [] : [style('yellow', `${count(refused)} too deep`)];
  return [['clients', [known, ...awaited, ...lost].join(', ')]];
};

/** Only where somebody asks for it. */
const sameNodeRow = (sameNode: AgentStatus['sameNode'], style: Style): Pairs => {
  if (sameNode === undefined) return [];
  const { attached, unavailable, sockets, messages, fallbacks } = sameNode;
  if (unavailable !== '') return [['same node', style('yellow', `by TCP: ${unavailable}`)]];
  if (!attached) return [];
  const byTcp = Object.values(fallbacks).reduce((sum, times) => sum + times, 0);
  const share =
    messages + byTcp === 0 ? '' : `, ${percent(messages / (messages + byTcp))} of their messages redirected`;
  return [['same node', `${plural(sockets.joined, 'socket')} joined${share}`]];
};

const statusWritingRow = (writing: AgentStatus['statusWriting']): Pairs => {
  if (writing === undefined) return [];
  const { isLeader, leader, pending, writes } = writing;
  if (!isLeader) return [['statuses', leader === '' ? 'written by nobody' : `written by the agent ${leader}`]];
  const left = pending === 0 ? [] : [`${count(pending)} to be written`];
  const counts = countsText(writes);
  return [['statuses', ['written by this agent', ...left, ...(counts === '' ? [] : [counts])].join(', ')]];
};

type Pairs = readonly (readonly [name: string, text: string])[];

/** A reason that never was one is left out. */
const countsText = (counters: Readonly<Record<string, number>>): string =>
  Object.entries(counters)
    .filter(([, times]) => times > 0)
    .map(([why, times]) => `${count(times)} ${why.replaceAll('_', ' ')}`)
    .join(', ');

/** What is rare is worth seeing. */
const watchesText = (watches: AgentStatus['watches'], nowMs: number, style: Style): string => {
  const ago = (atMs: number | undefined): string => (atMs === undefined ? '-' : `${duration(nowMs - atMs)} ago`);
  const counts = (counters: Readonly<Record<string, number>>): string => countsText(counters) || '-';
  return renderTable(
    [
      { title: 'WATCH', text: ({ resource }) => resource },
      { title: 'VERSION', text: ({ apiVersion }) => apiVersion ?? '-' },
      { title: 'OBJECTS', align: 'right', text: ({ objects }) => count(objects) },
      {
        title: 'STATE',
        text: ({ synced }) => (synced ? 'read' : 'being read'),
        format: ({ synced }) => (synced ? undefined : 'yellow'),
      },
      { title: 'EVENT', align: 'right', text: ({ lastEventAtMs }) => ago(lastEventAtMs) },
      { title: 'BOOKMARK', align: 'right', text: ({ lastBookmarkAtMs }) => ago(lastBookmarkAtMs) },
      { title: 'SYNCS', text: ({ syncs }) => counts(syncs) },
      { title: 'RECONNECTS', text: ({ reconnects }) => counts(reconnects) },
    ],
    watches,
    { style },
  );
};

const COMPLAINTS_SHOWN = 10;

/** Errors first; notes are as documented, and may be as many as Services. */
const renderComplaints = (complaints: readonly Complaint[], style: Style): string => {
  const told = (['error', 'warning'] as const).flatMap((severity) =>
    complaints.filter((complaint) => complaint.severity === severity),
  );
  if (told.length === 0) return '';
  const lines = told.slice(0, COMPLAINTS_SHOWN).map((complaint) => complaintLine(complaint, style));
  const more = told.length > COMPLAINTS_SHOWN ? `and ${told.length - COMPLAINTS_SHOWN} more: -o json\n` : '';
  return `\n${lines.join('')}${more}`;
};

const stateText = ({ ready, unhealthy }: AgentStatus, style: Style): string => {
  if (unhealthy !== '') return style('red', `unhealthy: ${unhealthy}`);
  return ready ? style('green', 'ready') : style('yellow', 'starting: not everything is in force yet');
};

const sourceText = ({ name, synced, whole, trouble }: AgentStatus['source'], style: Style): string => {
  if (trouble !== '') return `${name}, ${style('red', `in trouble: ${trouble}`)}`;
  if (synced && !whole) return `${name}, ${style('yellow', 'read in part: nothing is removed that nobody names')}`;
  return `${name}, ${synced ? 'read' : style('yellow', 'being read')}`;
};

const changeText = ({ atMs, durationMs, ports, writes }: ChangeSummary, nowMs: number): string => {
  const written = writes.backends + writes.services + writes.slots + writes.frontends + writes.removed;
  const what = written === 0 ? 'the kernel held everything already' : plural(written, 'table entry');
  return `${duration(nowMs - atMs)} ago, ${plural(ports, 'Service port')}, ${what}, ${milliseconds(durationMs)}`;
};

/** A table is enlarged at need; from here on that is worth knowing. */
const NEARLY_FULL = 0.8;

const tablesText = ({ used, capacity, connections }: AgentStatus, style: Style): string => {
  const rows = [
    ...(['frontends', 'slots', 'backends', 'services'] as const).map((name) => ({
      name,
      used: used[name],
      size: capacity[name],
    })),
    { name: 'connections', used: connections.used, size: connections.size },
  ].map((row) => ({ ...row, fill: row.size === 0 ? 0 : row.used / row.size }));
  return renderTable(
    [
      { title: 'TABLE', text: ({ name }) => name },
      { title: 'USED', align: 'right', text: (row) => count(row.used) },
      { title: 'SIZE', align: 'right', text: (row) => count(row.size) },
      {
        title: 'FULL',
        align: 'right',
        text: ({ fill }) => percent(fill),
        format: ({ fill }) => (fill >= NEARLY_FULL ? 'yellow' : undefined),
      },
    ],
    rows,
    { style },
  );
};
