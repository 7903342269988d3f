import { type Rates, ratesBetween } from './rates.ts';
import type { Reading } from './reading.ts';

/** What is known after some readings. */
export interface Model {
  readonly last: Reading | undefined;
  readonly rates: Rates | undefined;
  /** By Service port: connections a second of the last readings, the newest last; undefined where not known. */
  readonly history: ReadonlyMap<string, readonly (number | undefined)[]>;
  /** Bytes of Services, and those that went socket to socket, of the same readings. */
  readonly carried: readonly Carried[];
  /** Empty, or why the agent says nothing now. */
  readonly trouble: string;
}

interface Carried {
  readonly intervalMs: number;
  readonly bytes: number;
  readonly redirected: number;
}

export const HISTORY = 30;

export const EMPTY: Model = { last: undefined, rates: undefined, history: new Map(), carried: [], trouble: '' };

export const noteReading = (model: Model, reading: Reading): Model => {
  const rates = ratesBetween(model.last, reading);
  return {
    last: reading,
    rates,
    // Whatever has gone is forgotten, and a Service that comes again begins anew.
    history: new Map(
      rates.ports.map(({ id, attemptsPerS }) => [id, [...(model.history.get(id) ?? []), attemptsPerS].slice(-HISTORY)]),
    ),
    carried: [...model.carried, ...carriedIn(rates)].slice(-HISTORY),
    trouble: '',
  };
};

/** What was read stays in sight. */
export const noteTrouble = (model: Model, trouble: string): Model => ({ ...model, trouble });

/**
 * 0 to 1: of the bytes of all Services, over the last readings. Undefined until they span 15 s: the agent adds what was
 * redirected to the Services' bytes every 5 s. Connections of Pods without a Service between them may be redirected too.
 */
export const redirectedShare = ({ carried }: Pick<Model, 'carried'>): number | undefined => {
  const sum = (name: keyof Carried): number => carried.reduce((total, each) => total + each[name], 0);
  const bytes = sum('bytes');
  return sum('intervalMs') < LONG_ENOUGH_MS || bytes === 0 ? undefined : Math.min(1, sum('redirected') / bytes);
};

const LONG_ENOUGH_MS = 15_000;

const carriedIn = ({ intervalMs, totals, sameNode }: Rates): readonly Carried[] => {
  if (intervalMs === undefined || sameNode?.bytesPerS === undefined) return [];
  const { bytesSentPerS = 0, bytesReceivedPerS = 0 } = totals;
  const seconds = intervalMs / 1000;
  return [
    { intervalMs, bytes: (bytesSentPerS + bytesReceivedPerS) * seconds, redirected: sameNode.bytesPerS * seconds },
  ];
};
