import type { Bar } from '../bar.ts';
import { atMost, percent, times } from '../bar.ts';
import { round } from './compare.ts';
import type { SameNodeCost, SameNodeFigures, SameNodeResult, SameNodeSpeed, SameNodeStalled } from './results.ts';

/** Names of contenders: this project, and what it is held against. */
const OURS = 'redirected';
const PLAIN = 'plain TCP';

/** Time of a request, as a multiple of the other's. */
export const REQUEST_LIMITS: Readonly<Record<string, number>> = {
  [PLAIN]: 0.65,
  'UNIX sockets': 1.15,
  'two sidecars': 0.2,
};
const BULK_LIMIT = 1.5;
const COST_LIMIT = 0.01;
const MEMORY_LIMIT = 2;

/** Of what is done on one CPU: on two, most of a time is what it takes to wake the other one up. */
export const sameNodeBars = ({ speed, costs, stalled }: Pick<SameNodeResult, 'speed' | 'costs' | 'stalled'>): Bar[] => [
  ...speed.filter(({ placement }) => placement === 'one').flatMap(speedBars),
  ...costs.filter(({ hasBar }) => hasBar).map(costBar),
  ...stalled.flatMap(stalledBars),
];

const speedBars = ({ what, bytes, contenders }: SameNodeSpeed): Bar[] => {
  const ours = contenders.find(({ name }) => name === OURS);
  if (ours === undefined) return [];
  if (what === 'bulk')
    return [ratioBar(`redirected bulk in writes of ${sizeText(bytes)}`, ours, PLAIN, BULK_LIMIT, 'least')];
  return Object.entries(REQUEST_LIMITS).map(([other, limit]) =>
    ratioBar(`redirected request of ${sizeText(bytes)}`, ours, other, limit, 'most'),
  );
};

/** Both ratios have to hold it: that of medians, and that of best rounds. */
const ratioBar = (
  what: string,
  { against }: SameNodeFigures,
  other: string,
  limit: number,
  side: 'most' | 'least',
): Bar => {
  const { medians = Number.NaN, best = Number.NaN } = against[other] ?? {};
  const isHeld = (ratio: number): boolean => (side === 'most' ? ratio <= limit : ratio >= limit);
  return {
    what: `${what}, against ${other}`,
    limit: `at ${side} ${times(limit)}`,
    measured: `${times(medians)}, best rounds ${times(best)}`,
    held: isHeld(medians) && isHeld(best),
  };
};

/** By the median. Its interval of confidence says how much that is worth. */
const costBar = ({ what, unit, comparison, interval: [low, high] }: SameNodeCost): Bar => {
  const bar = atMost(
    `cost of a ${unit} that is not redirected: ${what}`,
    round(comparison.rounds.median - 1),
    COST_LIMIT,
    percent,
  );
  return { ...bar, measured: `${bar.measured} (95 %: ${percent(low - 1)} to ${percent(high - 1)})` };
};

const stalledBars = ({ writeBytes, grown, contenders }: SameNodeStalled): Bar[] => {
  const [ours, plain] = [OURS, PLAIN].map((name) => contenders.find((each) => each.name === name));
  if (ours === undefined || plain === undefined) return [];
  const when = `a reader that stalls${grown ? ' after much was sent' : ''}, writes of ${sizeText(writeBytes)}`;
  const ratio = Math.max(ours.memoryBytes / plain.memoryBytes, ours.acceptedBytes / plain.acceptedBytes);
  return [atMost(`${when}: memory or bytes taken, against ${PLAIN}`, ratio, MEMORY_LIMIT, times)];
};

export const sizeText = (bytes: number): string =>
  bytes < 1024 ? `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}` : `${bytes / 1024} KB`;
