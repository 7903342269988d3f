import type { RequestListener } from 'node:http';
import type { AgentView } from '../agent/view.ts';
import { type Answer, text } from './answer.ts';
import { createHandler, type OnBug, type Route } from './handler.ts';

export interface PublicDeps {
  /** Undefined until the agent has opened its tables. */
  readonly view: () => AgentView | undefined;
  /** One scrape; undefined until there is something to tell. */
  readonly scrape: () => Promise<Scrape> | undefined;
  readonly onBug: OnBug;
}

/** Text that is made while it is sent: a piece is good until the next one is asked for. */
export interface Scrape {
  readonly type: string;
  readonly body: Iterable<Uint8Array>;
}

/** What Prometheus and the kubelet ask for. */
export const buildPublic = ({ view, scrape, onBug }: PublicDeps): RequestListener => {
  const routes: readonly Route[] = [
    { path: '/metrics', answer: () => metrics(scrape()) },
    { path: '/healthz', answer: () => health(view()) },
    { path: '/readyz', answer: () => readiness(view()) },
  ];
  return createHandler(routes, onBug);
};

const metrics = async (scrape: Promise<Scrape> | undefined): Promise<Answer> =>
  scrape === undefined ? text(STARTING, 503) : { status: 200, ...(await scrape) };

const STARTING = 'starting: the tables are not open yet';

/** An agent that is still starting is healthy: nothing is gained by starting it anew. */
const health = (view: AgentView | undefined): Answer => {
  const reason = view?.health().unhealthy ?? '';
  return reason === '' ? text('ok') : text(`unhealthy: ${reason}`, 503);
};

/**
 * Ready once everything that existed at the start is in force. What happens later does not take that back: traffic
 * does not depend on the agent, and an unready Pod would only hold up a rollout.
 */
const readiness = (view: AgentView | undefined): Answer => {
  if (view === undefined) return text(STARTING, 503);
  const { ready, source } = view.health();
  if (ready) return text('ok');
  if (source.trouble !== '') return text(`starting: ${source.name} is in trouble: ${source.trouble}`, 503);
  return text(source.synced ? 'starting: programming the kernel' : `starting: reading ${source.name}`, 503);
};
