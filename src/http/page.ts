import type { IncomingMessage, RequestListener } from 'node:http';
import type { Clock } from '../agent/clock.ts';
import type { History } from '../agent/history/history.ts';
import { BusiestPairs } from '../agent/history/pairs.ts';
import type { AgentView } from '../agent/view.ts';
import { renderExplain } from '../core/explain.ts';
import type { Explained } from '../web/wire.ts';
import { json, jsonList, serverSent } from './answer.ts';
import { createHandler, type OnBug, type Route } from './handler.ts';
import { opened } from './opened.ts';
import { complaintsOf } from './page/complaints.ts';
import { Details } from './page/detail.ts';
import type { PageFile } from './page/files.ts';
import { historyOf } from './page/history.ts';
import { admitHost, admitSite } from './page/host.ts';
import { overviewOf } from './page/overview.ts';
import { eventFilterIn, portIn, questionIn } from './queries.ts';

export interface PageDeps {
  /** Undefined until the agent has opened its tables. */
  readonly view: () => AgentView | undefined;
  readonly history: History;
  readonly clock: Clock;
  readonly node: string;
  readonly version: string;
  readonly files: readonly PageFile[];
  /** Which the agent was told to listen on. */
  readonly hostName: string;
  readonly onBug: OnBug;
}

/** Nothing but what the agent itself serves; nothing in the page but its own files. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
} as const;

/** A browser shows no more: 1,000 a second. */
const EVENTS_PER_LOOK = 25;

/** The live page: its files, and what it asks for. It changes nothing. Fields are those of src/web/wire.ts. */
export const buildPage = (deps: PageDeps): RequestListener => {
  const { view, history, clock, files, onBug, hostName } = deps;
  const ask = (): AgentView => opened(view());
  // What many pages ask for is read once.
  const pairs = new BusiestPairs({ view: { workloads: () => ask().workloads() }, clock });
  const details = new Details(clock);
  const api: readonly Route[] = [
    {
      path: '/api/overview',
      answer: (query) => json(overviewOf({ ...deps, view: ask(), pairs: pairs.read() }, query)),
    },
    { path: '/api/service', answer: (query) => json(details.read(ask(), portIn(query))) },
    { path: '/api/history', answer: (query) => json(historyOf(history, query.get('id') ?? undefined)) },
    { path: '/api/explain', answer: (query) => json(explained(ask(), query)) },
    { path: '/api/complaints', answer: () => jsonList('complaints', complaintsOf(ask())) },
    {
      path: '/api/events',
      answer: (query) => {
        const stream = ask().events(eventFilterIn(query), EVENTS_PER_LOOK);
        return serverSent(stream, () => stream.close());
      },
    },
  ];
  const served = files.map(({ path, type, body }): Route => ({ path, answer: () => ({ status: 200, type, body }) }));
  const admit = (request: IncomingMessage): void => {
    admitHost(request, hostName);
    admitSite(request);
  };
  return createHandler([...served, ...api], onBug, { headers: HEADERS, admit });
};

/** The same answer as `shunt explain` gives, in its words. */
const explained = (view: AgentView, query: URLSearchParams): Explained => {
  const decision = view.explain(questionIn(query));
  return { outcome: decision.outcome, lines: renderExplain(decision) };
};
