import type { RefusedReason } from '../core/explain/decision.ts';
import type { DesiredArm, DesiredEndpoint, DesiredGroup, DesiredPort } from '../core/model/desired.ts';
import type { Complaint, Family, Origin } from '../core/model/objects.ts';
import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Arguments, Command } from './command.ts';
import { complaintLine } from './complaint.ts';
import type { Context } from './context.ts';
import { percent, plural, socketText } from './numbers.ts';
import { clusterOf, desireAll, NODE_FLAGS, nodeOf, type Refusal, readSource } from './objects.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { type Style, styleFor } from './style.ts';
import { renderTable } from './table.ts';

const FILES = { value: 'file:PATH', about: 'a file or a directory of YAML or JSON; always needed' } as const;

export const command: Command = {
  usage: 'plan --source file:PATH [FLAGS]',
  about:
    'Shows what would be programmed from these objects, and every complaint about them. Needs neither root nor a\n' +
    'kernel: for reviews and CI. Exit status 1 when an object has an error.',
  flags: { source: { ...agentFlag('source'), ...FILES }, ...NODE_FLAGS, ...OUTPUT_FLAGS },
  examples: [
    { command: 'shunt plan --source file:manifests/', about: 'a directory of objects' },
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
    const desired = desireAll(clusterOf(objects), nodeOf(given));
    const aboutObjects = desired.complaints.map((complaint) => placed(complaint, originOf(complaint.object)));
    const plan: Plan = {
      ports: desired.ports,
      refusals: desired.refusals,
      complaints: bySeverity([...complaints, ...aboutObjects]),
    };
    print(context, given, plan);
    return plan.complaints.some(({ severity }) => severity === 'error') ? 1 : 0;
  },
};

/** What `-o json` prints. */
export interface Plan {
  readonly ports: readonly DesiredPort[];
  readonly refusals: readonly Refusal[];
  readonly complaints: readonly Complaint[];
}

const SEVERITIES = ['error', 'warning', 'note'] as const;

/** What is said about an object as a whole is said where it begins. */
const placed = (complaint: Complaint, origin: Origin | undefined): Complaint =>
  origin === undefined ? complaint : { ...complaint, origin };

const bySeverity = (complaints: readonly Complaint[]): readonly Complaint[] =>
  SEVERITIES.flatMap((severity) => complaints.filter((complaint) => complaint.severity === severity));

const print = (context: Context, given: Arguments, plan: Plan): void => {
  const { stdout, env } = context;
  show('plan', context, given, plan, () => renderPlan(plan, styleFor(stdout, env), stdout.columns));
};

export const renderPlan = ({ ports, refusals, complaints }: Plan, style: Style, width?: number): string => {
  const reasons = new Map(
    refusals.map((refusal) => [`${refusal.id} ${refusal.family} ${refusal.kind}`, refusal.reason]),
  );
  const rows = ports.flatMap((port) => rowsOf(port, reasons));
  const table = renderTable(
    [
      { title: 'SERVICE PORT', text: ({ id }) => id },
      { title: 'ADDRESS', text: ({ address }) => address },
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

interface PlanRow {
  readonly id: string;
  readonly address: string;
  readonly backend: string;
  readonly share: number | undefined;
}

const rowsOf = ({ id, groups }: DesiredPort, reasons: ReadonlyMap<string, RefusedReason>): readonly PlanRow[] =>
  groups
    .flatMap((group) => {
      const reason = reasons.get(`${id} ${group.family} ${group.kind}`);
      return group.addresses.flatMap((address) =>
        reason === undefined
          ? backendRows(group, socketText(address, group.port))
          : [
              {
                address: socketText(address, group.port),
                backend: refusedText(reason, id, group.family),
                share: undefined,
              },
            ],
      );
    })
    .map((row, index) => ({ ...row, id: index === 0 ? id : '' }));

/** What a row has in common with the one above it is left out. */
const backendRows = (group: DesiredGroup, address: string): readonly Omit<PlanRow, 'id'>[] => {
  const rows = group.arms === undefined ? endpointRows(group.endpoints, 1) : armRows(group.arms);
  return rows.map((row, index) => ({ ...row, address: index === 0 ? address : '' }));
};

const endpointRows = (
  endpoints: readonly DesiredEndpoint[],
  part: number,
): readonly Pick<PlanRow, 'backend' | 'share'>[] => {
  const sum = endpoints.reduce((total, { weight }) => total + weight, 0);
  return endpoints.map((endpoint) => ({
    backend: socketText(endpoint.address, endpoint.port),
    share: (part * endpoint.weight) / sum,
  }));
};

/** Shares of endpoints are those of all connections. */
const armRows = (arms: readonly DesiredArm[]): readonly Pick<PlanRow, 'backend' | 'share'>[] => {
  const sum = arms.reduce((total, { weight }) => total + weight, 0);
  return arms.flatMap(({ id, weight, endpoints }) =>
    endpoints.length === 0
      ? [{ backend: `refused: ${id}`, share: weight / sum }]
      : endpointRows(endpoints, weight / sum).map((row) => ({ ...row, backend: `${row.backend} of ${id}` })),
  );
};

const refusedText = (reason: RefusedReason, id: string, family: Family): string => {
  const [name, protocol] = id.split('/').slice(2);
  const why = {
    'no slice': 'no EndpointSlice',
    'no endpoint': 'no endpoint',
    'no endpoint of that family': `no IPv${family} endpoint`,
    'no endpoint with that port': `no slice has ${name === '' ? `an unnamed ${protocol} port` : `port ${name}/${protocol}`}`,
    'no endpoint on this node': 'none on this node',
    'no endpoint ready': 'none ready',
    'every weight is 0': 'all drained',
    'no backend weighs': 'its route has no backend with a weight',
    'no backend answers': 'no backend of its route can answer',
  }[reason];
  return `refused: ${why}`;
};

const summary = (ports: readonly DesiredPort[], complaints: readonly Complaint[]): string => {
  const groups = ports.flatMap((port) => port.groups);
  const addresses = groups.reduce((sum, group) => sum + group.addresses.length, 0);
  const endpoints = groups.reduce((sum, group) => sum + countOf(group), 0);
  const said = SEVERITIES.map((severity) => {
    const found = complaints.filter((complaint) => complaint.severity === severity).length;
    return plural(found, severity);
  });
  const parts = [plural(ports.length, 'Service port'), plural(addresses, 'address'), plural(endpoints, 'backend')];
  return `${[...parts, ...said].join(', ')}\n`;
};

const countOf = ({ endpoints, arms = [] }: DesiredGroup): number =>
  arms.reduce((sum, arm) => sum + arm.endpoints.length, endpoints.length);
