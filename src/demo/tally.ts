/** Counts by name. */
export type Counts = Readonly<Record<string, number>>;

/** What became of connections. */
export interface Tally {
  readonly answered: number;
  /** Answers by version of the application. */
  readonly login: Counts;
  readonly register: Counts;
  /** Answers by the address that the client saw as its peer. */
  readonly peers: Counts;
  /** By errno name, or HTTP status. */
  readonly failed: Counts;
}

/** A line of the client: what it counted since its last line, of the connections that began in this window. */
export interface Report {
  readonly window: string;
  readonly tally: Tally;
}

export const emptyTally: Tally = Object.freeze({ answered: 0, login: {}, register: {}, peers: {}, failed: {} });

export const add = (a: Tally, b: Tally): Tally => ({
  answered: a.answered + b.answered,
  login: addCounts(a.login, b.login),
  register: addCounts(a.register, b.register),
  peers: addCounts(a.peers, b.peers),
  failed: addCounts(a.failed, b.failed),
});

export const total = (counts: Counts): number => Object.values(counts).reduce((sum, each) => sum + each, 0);

const addCounts = (a: Counts, b: Counts): Counts => {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};
