import type { RequestListener } from 'node:http';
import type { AgentView } from '../agent/view.ts';
import { json, jsonLines, jsonList } from './answer.ts';
import { createHandler, type OnBug, type Route } from './handler.ts';
import { opened } from './opened.ts';
import { eventFilterIn, questionIn, selectionIn } from './queries.ts';

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
