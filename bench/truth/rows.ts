/** Names of counters as in the admin API. */
export const BACKEND_COUNTERS = [
  'attempts',
  'established',
  'refused',
  'timedOut',
  'unreachable',
  'abandoned',
  'closed',
  'reset',
  'broken',
] as const;

/** In the order of test/helpers/truth/truth.h. */
const NAMES = [...BACKEND_COUNTERS, 'rejected', 'sent', 'received'] as const;

/** What a client counted of one target and server. */
export type Tally = Readonly<Record<(typeof NAMES)[number], number>>;

export interface Row extends Tally {
  readonly target: number;
  /** 0: none. */
  readonly server: number;
}

/** An answer of `truth ask`. */
export interface Told {
  readonly rows: readonly Row[];
  /** Of connections that go on, once they have ended: what of their payload went by TCP. */
  readonly tcpSent: number;
  readonly tcpReceived: number;
}

export const parseTold = (line: string): Told => {
  const {
    rows,
    tcpSent = 0,
    tcpReceived = 0,
  } = JSON.parse(line) as {
    readonly rows: readonly (readonly number[])[];
    readonly tcpSent?: number;
    readonly tcpReceived?: number;
  };
  return { rows: rows.map(rowOf), tcpSent, tcpReceived };
};

const rowOf = ([target = 0, server = 0, ...counts]: readonly number[]): Row => ({
  target,
  server,
  ...(Object.fromEntries(NAMES.map((name, at) => [name, counts[at] ?? 0])) as unknown as Tally),
});

export const sumOf = (tallies: readonly Tally[]): Tally =>
  Object.fromEntries(
    NAMES.map((name) => [name, tallies.reduce((sum, tally) => sum + tally[name], 0)]),
  ) as unknown as Tally;
