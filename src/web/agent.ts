import type { ComplaintView, Detail, Explained, Failure, HistoryView, Overview } from './wire.ts';

/** What the agent said no to, in its words. */
export class Refusal extends Error {}

/** Longer than any answer takes, and short enough to ask again. */
const PATIENCE_MS = 5000;

/** Throws Refusal, or whatever `fetch` throws when nobody answers. */
const ask = async <Answer>(path: string): Promise<Answer> => {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const answer: unknown = await response.json();
  if (response.ok) return answer as Answer;
  const { message, help } = (answer as Failure).error;
  throw new Refusal(`${message}. ${help}`);
};

export const askOverview = (search: string): Promise<Overview> =>
  ask(`/api/overview?${new URLSearchParams(search === '' ? {} : { search })}`);

export const askDetail = (id: string): Promise<Detail> => ask(`/api/service?${new URLSearchParams({ id })}`);

export const askHistory = (id: string | undefined): Promise<HistoryView> =>
  ask(`/api/history?${new URLSearchParams(id === undefined ? {} : { id })}`);

export const askExplain = (query: string): Promise<Explained> => ask(`/api/explain?${query}`);

export const askComplaints = async (): Promise<readonly ComplaintView[]> =>
  (await ask<{ readonly complaints: readonly ComplaintView[] }>('/api/complaints')).complaints;
