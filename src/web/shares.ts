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
}

/** Long enough for shares to settle, short enough to see what happens. */
const WINDOW_MS = 60_000;

/** Samples of the window, with a new one. An earlier one is of another agent. */
export const withSample = (samples: readonly BackendSample[], sample: BackendSample): readonly BackendSample[] => [
  ...samples.filter(({ atMs }) => atMs < sample.atMs && sample.atMs - atMs <= WINDOW_MS),
  sample,
];

/** What became of connections since the shares last changed, within the window. Where the agent counted it, that counts. */
export const observedShares = (samples: readonly BackendSample[]): Observed => {
  const last = samples.at(-1);
  if (last === undefined) return { shares: new Map(), connections: 0, forMs: 0 };
  const changed = samples.findLastIndex(({ backends }) => wantedText(backends) !== wantedText(last.backends));
  const first = samples[changed + 1] ?? last;
  const before = new Map(first.backends.map((backend) => [backend.key, usesOf(backend)]));
  const grown = last.backends.map((backend) => ({
    ...backend,
    uses: Math.max(0, usesOf(backend) - (before.get(backend.key) ?? 0)),
  }));
  const totals = new Map<string, number>();
  for (const { group, uses } of grown) totals.set(group, (totals.get(group) ?? 0) + uses);
  const shares = grown.flatMap(({ key, group, uses, observed }): [string, number][] => {
    const total = totals.get(group) ?? 0;
    if (observed !== undefined) return [[key, observed]];
    return total === 0 ? [] : [[key, uses / total]];
  });
  const connections = [...totals.values()].reduce((sum, uses) => sum + uses, 0);
  return { shares: new Map(shares), connections, forMs: last.atMs - first.atMs };
};

const usesOf = ({ connections, rejected }: Backend): number => connections + rejected;

const wantedText = (backends: readonly Backend[]): string =>
  backends
    .filter(({ share }) => share > 0)
    .map(({ key, share }) => `${key} ${share}`)
    .sort()
    .join('\n');
