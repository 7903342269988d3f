/** Where the parts of a chart of the last 15 minutes lie; the newest step is at the right edge. */
export interface ChartLayout {
  readonly max: number;
  readonly ticks: readonly Tick[];
  readonly times: readonly Tick[];
  /** Of each series, as the `d` of a path. */
  readonly lines: readonly string[];
  /** Below the first of them. */
  readonly area: string;
}

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface ChartInput {
  readonly series: readonly (readonly (number | null)[])[];
  readonly stepMs: number;
  readonly width: number;
  readonly height: number;
  readonly text: (value: number) => string;
}

/** Room for times below. */
export const FOOT = 18;
/** Room for the figure at the highest line. */
export const HEAD = 14;

/** Minutes that a chart may show: a history that has only begun is not shown as a line at the edge. */
const SPANS = [3, 5, 10, 15] as const;

/** The last of these steps, as many as a chart shows of all its series together. */
export const shownSteps = (
  series: readonly (readonly (number | null)[])[],
  stepMs: number,
): readonly (readonly (number | null)[])[] => {
  const oldest = Math.min(...series.map((values) => (values.findIndex((value) => value !== null) + 1 || Infinity) - 1));
  const all = Math.max(0, ...series.map(({ length }) => length));
  const known = all - Math.min(all, oldest);
  const minutes = SPANS.find((span) => span * 60_000 >= known * stepMs) ?? SPANS[SPANS.length - 1];
  return series.map((values) => values.slice(-(((minutes ?? 15) * 60_000) / stepMs + 1)));
};

export const chartLayout = ({ series, stepMs, width, height, text }: ChartInput): ChartLayout => {
  const max = niceMax(Math.max(0, ...series.flat().map((value) => value ?? 0)));
  const steps = Math.max(2, ...series.map(({ length }) => length));
  const bottom = height - FOOT;
  const x = (step: number): number => round((step * width) / (steps - 1));
  const y = (value: number): number => round(bottom - (value / max) * (bottom - HEAD));
  const runs = series.map((values) => runsOf(values, x, y));
  return {
    max,
    ticks: [0, max / 2, max].map((value) => ({ at: y(value), label: text(value) })),
    times: timesOf(steps, stepMs, width),
    lines: runs.map((each) => each.map(pathOf).join('')),
    area: (runs[0] ?? []).map((run) => areaOf(run, bottom)).join(''),
  };
};

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The next of 1, 2, 5, 10, 20, ... that is not less. */
export const niceMax = (value: number): number => {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((each) => each * power >= value * 0.999_999) ?? 10;
  return factor * power;
};

/** Where nothing is known there is a gap. */
const runsOf = (
  values: readonly (number | null)[],
  x: (step: number) => number,
  y: (value: number) => number,
): readonly (readonly Point[])[] => {
  const runs: Point[][] = [];
  let run: Point[] | undefined;
  for (const [step, value] of values.entries()) {
    if (value === null) {
      run = undefined;
      continue;
    }
    if (run === undefined) {
      run = [];
      runs.push(run);
    }
    run.push({ x: x(step), y: y(value) });
  }
  return runs;
};

/** A single point has to be seen, too. */
const pathOf = (run: readonly Point[]): string => {
  const path = run.map((point, index) => `${index === 0 ? 'M' : 'L'}${point.x} ${point.y}`).join('');
  return run.length === 1 ? `${path}h0.01` : path;
};

const areaOf = (run: readonly Point[], bottom: number): string => {
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined || run.length === 1) return '';
  return `${pathOf(run)}L${last.x} ${bottom}L${first.x} ${bottom}Z`;
};

/** Every minute, or every five; where it is narrow the ends alone. */
const timesOf = (steps: number, stepMs: number, width: number): readonly Tick[] => {
  const minutes = Math.round(((steps - 1) * stepMs) / 60_000);
  const every = minutes > 5 ? 5 : 1;
  const all = Array.from({ length: Math.floor(minutes / every) + 1 }, (_, index) => minutes - index * every);
  const shown = all.filter((back) => width > 240 || back === 0 || back === minutes);
  return shown.map((back) => ({
    at: Math.max(0, round(width * (1 - (back * 60_000) / ((steps - 1) * stepMs)))),
    label: back === 0 ? 'now' : `−${back} min`,
  }));
};

const round = (value: number): number => Math.round(value * 10) / 10;

/** What is known of a series, in words. */
export const seriesText = (values: readonly (number | null)[], text: (value: number | undefined) => string): string => {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return 'nothing known yet';
  const now = values.at(-1) ?? undefined;
  return `now ${text(now)}, lowest ${text(Math.min(...known))}, highest ${text(Math.max(...known))}`;
};
