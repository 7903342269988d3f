import type { ComplaintView, Detail, Explained, Failure, HistoryView, Overview } from './wire.ts';

/** What the agent said no to, in its words. */
export class Refusal extends Error {
  /** What was asked for is none, or is not there: to ask again is of no use. */
  readonly isOfQuestion: boolean;

  constructor({ error: { code, message, help } }: Failure) {
    super(`${message}. ${help}`);
    this.isOfQuestion = code === 'SHUNT_E_HTTP_PARAMETER';
  }
}

/** Nobody answered, or nobody who is an agent. */
export class NoAnswer extends Error {}

/** Longer than any answer takes, and short enough to ask again. */
const PATIENCE_MS = 5000;

/** Throws Refusal or NoAnswer. */
const ask = async <Answer>(path: string): Promise<Answer> => {
  const { isOk, answer } = await fetched(path);
  if (isOk) return answer as Answer;
  throw new Refusal(answer as Failure);
};

const fetched = async (path: string): Promise<{ readonly isOk: boolean; readonly answer: unknown }> => {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return { isOk: response.ok, answer: await response.json() };
  } catch (error) {
    throw new NoAnswer('the agent does not answer', { cause: error });
  }
};

export const askOverview = (search: string): Promise<Overview> =>
  ask(`/api/overview?${new URLSearchParams(search === '' ? {} : { search })}`);

export const askDetail = (id: string): Promise<Detail> => ask(`/api/service?${new URLSearchParams({ id })}`);

export const askHistory = (id: string | undefined): Promise<HistoryView> =>
  ask(`/api/history?${new URLSearchParams(id === undefined ? {} : { id })}`);

export const askExplain = (query: string): Promise<Explained> => ask(`/api/explain?${query}`);

/** Why the agent tells no events, which a browser does not say; undefined when it would now, or nobody answers. */
export const askEventsRefusal = async (query: string): Promise<Refusal | undefined> => {
  const ending = new AbortController();
  try {
    const response = await fetch(`/api/events?${query}`, { signal: ending.signal });
    return response.ok ? undefined : new Refusal((await response.json()) as Failure);
  } catch {
    return undefined;
  } finally {
    ending.abort();
  }
};

export const askComplaints = async (): Promise<readonly ComplaintView[]> =>
  (await ask<{ readonly complaints: readonly ComplaintView[] }>('/api/complaints')).complaints;
