import type { RequestListener } from 'node:http';
import { parseEventFilter } from '../agent/event-filter.ts';
import type { EventFilter } from '../agent/event-view.ts';
import type { AgentView } from '../agent/view.ts';
import type { ServedQuestion } from '../core/explain/decision.ts';
import { parseAddress } from '../core/model/address.ts';
import { EVENT_OUTCOMES } from '../dataplane/dataplane.ts';
import { ShuntError } from '../errors.ts';
import { json, jsonLines, jsonList } from './answer.ts';
import { createHandler, type OnBug, type Route } from './handler.ts';

export interface AdminDeps {
  /** Undefined until the agent has opened its tables. */
  readonly view: () => AgentView | undefined;
  readonly onBug: OnBug;
}

/** The admin API. It changes nothing; what the fields mean is said in src/agent/view.ts. */
export const buildAdmin = ({ view, onBug }: AdminDeps): RequestListener => {
  const ask = (): AgentView => opened(view());
  const routes: readonly Route[] = [
    { path: '/v1/status', answer: () => json(ask().status()) },
    { path: '/v1/services', answer: (query) => jsonList('services', ask().services(selectionIn(query))) },
    { path: '/v1/backends', answer: (query) => jsonList('backends', ask().backends(selectionIn(query))) },
    { path: '/v1/explain', answer: (query) => json(ask().explain(questionIn(query))) },
    {
      path: '/v1/events',
      answer: (query) => {
        const stream = ask().events(eventFilterIn(query));
        return jsonLines(stream, () => stream.close());
      },
    },
    { path: '/v1/complaints', answer: () => jsonList('complaints', ask().complaints()) },
  ];
  return createHandler(routes, onBug);
};

const opened = (view: AgentView | undefined): AgentView => {
  if (view === undefined) throw new ShuntError('SHUNT_E_STARTING', { reason: 'its tables are not open yet' });
  return view;
};

/** `service=NAMESPACE/NAME`, `namespace=NAMESPACE`, or neither for all. */
const selectionIn = (query: URLSearchParams): string | undefined => {
  const service = query.get('service');
  const namespace = query.get('namespace');
  if (service !== null && !/^[^/]+\/[^/]+$/.test(service)) throw refuse('service', service, 'NAMESPACE/NAME is');
  if (namespace !== null && !/^[^/]+$/.test(namespace)) throw refuse('namespace', namespace, 'NAMESPACE is');
  if (service !== null && namespace !== null) throw refuse('namespace', namespace, 'it is part of `service`');
  return service ?? namespace ?? undefined;
};

/** `outcome` may come several times, or with commas; `from=NAMESPACE[/POD]`. */
const eventFilterIn = (query: URLSearchParams): EventFilter => {
  const filter = parseEventFilter(query.getAll('outcome'), query.get('from') ?? undefined);
  if ('problem' in filter) throw refuse(filter.problem, filter.value, FILTERS[filter.problem]);
  return { only: selectionIn(query), ...filter };
};

const FILTERS = { outcome: `${EVENT_OUTCOMES.join(', ')} are`, from: 'NAMESPACE[/POD] is' } as const;

const questionIn = (query: URLSearchParams): ServedQuestion => {
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

const refuse = (parameter: string, value: string, allowed: string): ShuntError =>
  new ShuntError('SHUNT_E_HTTP_PARAMETER', { parameter, value: `\`${value}\``, allowed });
