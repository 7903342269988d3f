import type { Backend } from './wire.ts';

/** Endpoints of a Service port, as they were at one time. */
export interface BackendSample {
  readonly atMs: number;
  readonly backends: readonly Backend[];
}

export interface Observed {
  /** 0..1, by the key of the endpoint. Without connections nothing is known. */
  readonly shares: ReadonlyMap<string, number>;
  readonly connections: number;
  readonly forMs: number;
  /** Counted by the agent, since shares last changed; else by the page, in a minute at most. */
  readonly isAgents: boolean;
}

/** Long enough for shares to settle, short enough to see what happens. */
const WINDOW_MS = 60_000;

/** Samples of the window, with a new one. An earlier one is of another agent. */
export const withSample = (samples: readonly BackendSample[], sample: BackendSample): readonly BackendSample[] => [
  ...samples.filter(({ atMs }) => atMs < sample.atMs && sample.atMs - atMs <= WINDOW_MS),
  sample,
];

/** What became of connections since the shares last changed: as the agent counted it, or else within the window. */
export const observedShares = (samples: readonly BackendSample[]): Observed => {
  const last = samples.at(-1);
  if (last === undefined) return { shares: new Map(), connections: 0, forMs: 0, isAgents: false };
  return ofAgent(last) ?? ofPage(samples, last);
};

const ofAgent = ({ backends }: BackendSample): Observed | undefined => {
  const counted = backends.flatMap(({ key, group, observed }) => (observed ? [{ key, group, ...observed }] : []));
  if (counted.length === 0) return undefined;
  const totals = new Map(counted.map(({ group, of }) => [group, of]));
  return {
    shares: new Map(counted.map(({ key, share }) => [key, share])),
    connections: [...totals.values()].reduce((sum, of) => sum + of, 0),
    forMs: Math.max(...counted.map(({ forMs }) => forMs)),
    isAgents: true,
  };
};

const ofPage = (samples: readonly BackendSample[], last: BackendSample): Observed => {
  const changed = samples.findLastIndex(({ backends }) => wantedText(backends) !== wantedText(last.backends));
  const first = samples[changed + 1] ?? last;
  const before = new Map(first.backends.map((backend) => [backend.key, usesOf(backend)]));
  const grown = last.backends.map((backend) => ({
    ...backend,
    uses: Math.max(0, usesOf(backend) - (before.get(backend.key) ?? 0)),
  }));
  const totals = new Map<string, number>();
  for (const { group, uses } of grown) totals.set(group, (totals.get(group) ?? 0) + uses);
  const shares = grown.flatMap(({ key, group, uses }): [string, number][] => {
    const total = totals.get(group) ?? 0;
    return total === 0 ? [] : [[key, uses / total]];
  });
  const connections = [...totals.values()].reduce((sum, uses) => sum + uses, 0);
  return { shares: new Map(shares), connections, forMs: last.atMs - first.atMs, isAgents: false };
};

/** Connections, refused ones too. */
export const usesOf = ({ connections, rejected }: Pick<Backend, 'connections' | 'rejected'>): number =>
  connections + rejected;

const wantedText = (backends: readonly Backend[]): string =>
  backends
    .filter(({ share }) => share > 0)
    .map(({ key, share }) => `${key} ${share}`)
    .sort()
    .join('\n');
