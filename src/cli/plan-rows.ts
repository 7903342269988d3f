import type { RefusedReason } from '../core/explain/decision.ts';
import type { ChoiceRule, DesiredArm, DesiredEndpoint } from '../core/model/desired.ts';
import type { Family } from '../core/model/objects.ts';
import { socketText } from './numbers.ts';
import type { PlannedGroup, PlannedPort, Refusal } from './planned.ts';

/** What a row has in common with the one above it is empty. */
export interface PlanRow {
  readonly id: string;
  readonly address: string;
  readonly clients: string;
  readonly choice: string;
  readonly backend: string;
  readonly share: number | undefined;
}

export const planRows = (ports: readonly PlannedPort[], refusals: readonly Refusal[]): readonly PlanRow[] => {
  const reasons = new Map(refusals.map((refusal) => [keyOf(refusal.id, refusal), refusal.reason]));
  return ports.flatMap((port) => rowsOf(port, reasons));
};

const keyOf = (id: string, { family, kind, variant = 0 }: Pick<Refusal, 'family' | 'kind' | 'variant'>): string =>
  `${id} ${family} ${kind} ${variant}`;

const rowsOf = (port: PlannedPort, reasons: ReadonlyMap<string, RefusedReason>): readonly PlanRow[] =>
  port.groups
    .flatMap((group) => {
      const reason = reasons.get(keyOf(port.id, group));
      const rows =
        reason === undefined
          ? backendRows(port, group)
          : [{ choice: '', backend: refusedText(reason, port.id, group.family), share: undefined }];
      const clients = group.clients ?? 'all';
      return group.addresses.flatMap((address) =>
        rows.map((row, index) => ({
          ...row,
          address: index === 0 ? socketText(address, group.port) : '',
          clients: index === 0 ? clients : '',
        })),
      );
    })
    .map((row, index) => ({ ...row, id: index === 0 ? port.id : '' }));

type BackendRow = Pick<PlanRow, 'choice' | 'backend' | 'share'>;

const backendRows = ({ choice }: PlannedPort, { endpoints, arms }: PlannedGroup): readonly BackendRow[] =>
  arms === undefined ? endpointRows(endpoints, 1, choice) : armRows(arms);

const endpointRows = (
  endpoints: readonly DesiredEndpoint[],
  part: number,
  choice: ChoiceRule | undefined,
): readonly BackendRow[] => {
  const sum = endpoints.reduce((total, { weight }) => total + weight, 0);
  return endpoints.map((endpoint, index) => ({
    choice: index === 0 ? choiceText(choice) : '',
    backend: socketText(endpoint.address, endpoint.port),
    share: (part * endpoint.weight) / sum,
  }));
};

/** Shares of endpoints are those of all connections. */
const armRows = (arms: readonly DesiredArm[]): readonly BackendRow[] => {
  const sum = arms.reduce((total, { weight }) => total + weight, 0);
  return arms.flatMap(({ id, weight, choice, endpoints }) =>
    endpoints.length === 0
      ? [{ choice: '', backend: `refused: ${id}`, share: weight / sum }]
      : endpointRows(endpoints, weight / sum, choice).map((row) => ({ ...row, backend: `${row.backend} of ${id}` })),
  );
};

const choiceText = ({ algorithm, hashOn }: ChoiceRule = WEIGHTED): string =>
  algorithm === 'Maglev' ? `Maglev of ${hashOn}` : algorithm;

const WEIGHTED: ChoiceRule = { algorithm: 'WeightedRandom', hashOn: 'Pod' };

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
