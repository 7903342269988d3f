import { parseEventFilter } from '../agent/event-filter.ts';
import type { EventFilter } from '../agent/event-view.ts';
import type { ServedQuestion } from '../core/explain/decision.ts';
import { parseAddress } from '../core/model/address.ts';
import { EVENT_OUTCOMES } from '../dataplane/dataplane.ts';
import { ShuntError } from '../errors.ts';

/** `service=NAMESPACE/NAME`, `namespace=NAMESPACE`, or neither for all. */
export const selectionIn = (query: URLSearchParams): string | undefined => {
  const service = query.get('service');
  const namespace = query.get('namespace');
  if (service !== null && !/^[^/]+\/[^/]+$/.test(service)) throw refuse('service', service, 'NAMESPACE/NAME is');
  if (namespace !== null && !/^[^/]+$/.test(namespace)) throw refuse('namespace', namespace, 'NAMESPACE is');
  if (service !== null && namespace !== null) throw refuse('namespace', namespace, 'it is part of `service`');
  return service ?? namespace ?? undefined;
};

/** `outcome` may come several times, or with commas; `from=NAMESPACE[/POD]`. */
export const eventFilterIn = (query: URLSearchParams): EventFilter => {
  const filter = parseEventFilter(query.getAll('outcome'), query.get('from') ?? undefined);
  if ('problem' in filter) throw refuse(filter.problem, filter.value, FILTERS[filter.problem]);
  return { only: selectionIn(query), ...filter };
};

const FILTERS = { outcome: `${EVENT_OUTCOMES.join(', ')} are`, from: 'NAMESPACE[/POD] is' } as const;

export const questionIn = (query: URLSearchParams): ServedQuestion => {
  const address = parseAddress(query.get('address') ?? '');
  if ('problem' in address) throw refuse('address', query.get('address') ?? '', address.problem);
  const portText = query.get('port') ?? '';
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65535) throw refuse('port', portText, '1 to 65535 are');
  const protocol = query.get('protocol') ?? 'TCP';
  if (protocol !== 'TCP' && protocol !== 'UDP') throw refuse('protocol', protocol, 'TCP and UDP are');
  const client = query.get('client');
  if (client !== null && !/^[^/]+\/[^/]+$/.test(client)) throw refuse('client', client, 'NAMESPACE/POD is');
  return { address: address.text, port, protocol, ...(client === null ? {} : { client }) };
};

/** `id`, of a Service port. */
export const portIn = (query: URLSearchParams): string => {
  const id = query.get('id') ?? '';
  if (!/^[^/]+\/[^/]+\/[^/]*\/(TCP|UDP)$/.test(id)) throw refuse('id', id, 'NAMESPACE/NAME/PORT-NAME/PROTOCOL is');
  return id;
};

export const refuse = (parameter: string, value: string, allowed: string): ShuntError =>
  new ShuntError('SHUNT_E_HTTP_PARAMETER', { parameter, value: `\`${value}\``, allowed });
