import { placed } from '../core/desire/complaint.ts';
import type { Complaint } from '../core/model/objects.ts';
import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Arguments, Command } from './command.ts';
import { complaintLine } from './complaint.ts';
import type { Context } from './context.ts';
import { percent, plural, socketText } from './numbers.ts';
import { clusterOf, NODE_FLAGS, nodeOf, planAll, readSource } from './objects.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { type PlanRow, planRows } from './plan-rows.ts';
import type { Planned, PlannedPort } from './planned.ts';
import { type Style, styleFor } from './style.ts';
import { type Column, renderTable } from './table.ts';

const FILES = { value: 'file:PATH', about: 'a file or a directory of YAML or JSON; always needed' } as const;

export const command: Command = {
  usage: 'plan --source file:PATH [FLAGS]',
  about:
    'Shows what would be programmed from these objects, and every complaint about them. Needs neither root nor a\n' +
    'kernel: for reviews and CI. Exit status 1 when an object has an error, with --strict for warnings too.',
  flags: {
    source: { ...agentFlag('source'), ...FILES },
    strict: { about: 'exit status 1 for warnings too: something that was asked for is not in force' },
    ...NODE_FLAGS,
    ...OUTPUT_FLAGS,
  },
  examples: [
    { command: 'shunt plan --source file:manifests/', about: 'a directory of objects' },
    { command: 'shunt plan --source file:manifests/ --strict', about: 'in CI, where a warning is to be seen' },
    { command: 'shunt plan --source file:cluster.yaml --node-name worker-1', about: 'as that node would see it' },
    {
      command:
        'kubectl get services,endpointslices,nodes -A -o yaml > cluster.yaml && shunt plan --source file:cluster.yaml',
      about: 'a live cluster',
    },
  ],
  run: async (context, given) => {
    const source = given.values.source;
    if (source === undefined) throw wrong('plan', '--source file:PATH is needed');
    const { objects, complaints, originOf } = await readSource('plan', source, context.parts);
    const desired = planAll(clusterOf(objects), nodeOf(given));
    const aboutObjects = desired.complaints.map((complaint) => placed(complaint, originOf(complaint.object)));
    const plan: Plan = {
      ports: desired.ports,
      refusals: desired.refusals,
      complaints: bySeverity([...complaints, ...aboutObjects]),
    };
    print(context, given, plan);
    const isStrict = given.switches.has('strict');
    return plan.complaints.some(({ severity }) => severity === 'error' || (isStrict && severity === 'warning')) ? 1 : 0;
  },
};

/** What `-o json` prints. */
export type Plan = Planned;

const SEVERITIES = ['error', 'warning', 'note'] as const;

const bySeverity = (complaints: readonly Complaint[]): readonly Complaint[] =>
  SEVERITIES.flatMap((severity) => complaints.filter((complaint) => complaint.severity === severity));

const print = (context: Context, given: Arguments, plan: Plan): void => {
  const { stdout, env } = context;
  show('plan', context, given, plan, () => renderPlan(plan, styleFor(stdout, env), stdout.columns));
};

export const renderPlan = ({ ports, refusals, complaints }: Plan, style: Style, width?: number): string => {
  const rows = planRows(ports, refusals);
  const table = renderTable(
    [
      { title: 'SERVICE PORT', text: ({ id }) => id },
      { title: 'ADDRESS', text: ({ address }) => address },
      ...clientsColumn(ports),
      { title: 'CHOICE', text: ({ choice }) => choice },
      {
        title: 'BACKEND',
        text: ({ backend }) => backend,
        format: ({ backend }) => (backend.startsWith('refused: ') ? 'red' : undefined),
      },
      { title: 'SHARE', align: 'right', text: ({ share }) => (share === undefined ? '' : percent(share)) },
    ],
    rows,
    { style, width },
  );
  const lines = complaints.map((complaint) => complaintLine(complaint, style));
  return [
    rows.length === 0 ? '' : `${table}\n`,
    ...lines,
    lines.length === 0 ? '' : '\n',
    summary(ports, complaints),
  ].join('');
};

/** Few Services have clients with a choice of their own. */
const clientsColumn = (ports: readonly PlannedPort[]): readonly Column<PlanRow>[] =>
  ports.some(({ groups }) => groups.some(({ clients }) => clients !== undefined))
    ? [{ title: 'CLIENTS', text: ({ clients }) => clients }]
    : [];

const summary = (ports: readonly PlannedPort[], complaints: readonly Complaint[]): string => {
  const everybody = ports.flatMap((port) => port.groups).filter(({ clients }) => clients === undefined);
  const addresses = everybody.reduce((sum, group) => sum + group.addresses.length, 0);
  const endpoints = ports.reduce((sum, port) => sum + countOf(port), 0);
  const said = SEVERITIES.map((severity) => {
    const found = complaints.filter((complaint) => complaint.severity === severity).length;
    return plural(found, severity);
  });
  const parts = [plural(ports.length, 'Service port'), plural(addresses, 'address'), plural(endpoints, 'backend')];
  return `${[...parts, ...said].join(', ')}\n`;
};

/** Each once, in however many ways it is chosen. */
const countOf = ({ groups }: PlannedPort): number => {
  const endpoints = groups.flatMap((group) => [group, ...(group.arms ?? [])]).flatMap((part) => part.endpoints);
  return new Set(endpoints.map(({ address, port }) => socketText(address, port))).size;
};
