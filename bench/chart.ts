/** Charts as SVG: no script, no font of their own, and colours for light and dark pages. */

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** What comes later lies on top. */
  readonly marks: readonly Mark[];
}

export interface Axis {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  /** Of the values of a logarithmic axis the logarithm to base 10 is even. */
  readonly scale?: 'linear' | 'log';
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly at: number;
  readonly text: string;
}

export type Point = readonly [x: number, y: number];

export type Mark =
  | { readonly type: 'line' | 'points' | 'line-and-points'; readonly name: string; readonly points: readonly Point[] }
  /** Dashed: a bound, which is in the legend once. */
  | { readonly type: 'limit'; readonly name: string; readonly points: readonly Point[] }
  /** From 0 up, with a whisker. */
  | { readonly type: 'bars'; readonly name: string; readonly width: number; readonly bars: readonly Bar[] };

export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

const WIDTH = 760;
const HEIGHT = 380;
const AREA = { left: 72, right: WIDTH - 20, top: 70, bottom: HEIGHT - 56 } as const;

export const renderChart = (chart: Chart): string => {
  const colours = coloursOf(chart);
  const paint = (mark: Mark): string => renderMark(chart, mark, colours.get(mark.name) ?? 'limit');
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `<title>${escapeText(chart.title)}</title>`,
    STYLE,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    text(AREA.left, 26, chart.title, 'heading'),
    ...legend(chart, colours),
    ...axes(chart),
    ...chart.marks.map(paint),
    '</svg>',
  ].join('\n')}\n`;
};

/** Okabe and Ito's colours, which people with any colour vision can tell apart, a little darker on white. */
const LIGHT = ['#0072b2', '#c04f00', '#007a5a', '#a3507f', '#6b6200'];
const DARK = ['#56b4e9', '#f08a3c', '#2bc79a', '#e398c4', '#e6d84a'];

interface Theme {
  readonly page: string;
  readonly ink: string;
  readonly faint: string;
  readonly grid: string;
  readonly palette: readonly string[];
}

/** Plain rules without variables, which not every viewer knows. */
const rulesOf = ({ page, ink, faint, grid, palette }: Theme): string =>
  [
    `.page { fill: ${page} } text { fill: ${ink} } .tick { fill: ${faint} } .grid { stroke: ${grid} }`,
    `.whisker, .limit { stroke: ${ink} }`,
    ...palette.map((own, at) => `.line.c${at}, .points.c${at} { stroke: ${own} } .bar.c${at} { fill: ${own} }`),
  ].join('\n');

const STYLE = `<style>
text { font: 13px sans-serif } .heading { font-weight: bold } .line, .points, .whisker, .limit { fill: none }
.line { stroke-width: 2 } .points { stroke-width: 4; stroke-linecap: round } .limit { stroke-dasharray: 6 4 }
${rulesOf({ page: '#ffffff', ink: '#1f2328', faint: '#59636e', grid: '#d8dee4', palette: LIGHT })}
@media (prefers-color-scheme: dark) {
${rulesOf({ page: '#0d1117', ink: '#f0f6fc', faint: '#9198a1', grid: '#30363d', palette: DARK })}
}
</style>`;

/** The class of each name: colours in the order of first marks, bounds behind them. */
const coloursOf = ({ marks }: Chart): ReadonlyMap<string, string> => {
  const named = (isLimit: boolean): string[] => [
    ...new Set(marks.filter(({ type }) => (type === 'limit') === isLimit).map(({ name }) => name)),
  ];
  return new Map([
    ...named(false).map((name, index) => [name, `line c${index % LIGHT.length}`] as const),
    ...named(true).map((name) => [name, 'limit'] as const),
  ]);
};

const renderMark = (chart: Chart, mark: Mark, line: string): string => {
  const place = ([x, y]: Point): string => `${along(chart.x, x)} ${up(chart.y, y)}`;
  if (mark.type === 'bars') {
    return mark.bars.map((bar) => renderBar(chart, bar, mark.width, line.replace('line', 'bar'))).join('\n');
  }
  const stroke = `<path class="${line}" d="M${mark.points.map(place).join('L')}"/>`;
  const dots = mark.points.map((point) => `M${place(point)}h0`).join('');
  const points = `<path class="${line.replace('line', 'points')}" d="${dots}"/>`;
  if (mark.type === 'points') return points;
  return mark.type === 'line-and-points' ? `${stroke}\n${points}` : stroke;
};

const renderBar = ({ x, y }: Chart, bar: Bar, width: number, colour: string): string => {
  const [left, right] = [along(x, bar.x - width / 2), along(x, bar.x + width / 2)];
  const [top, middle] = [up(y, bar.y), along(x, bar.x)];
  const rest = `width="${round(right - left)}" height="${round(AREA.bottom - top)}"`;
  return [
    `<rect class="${colour}" x="${left}" y="${top}" ${rest}/>`,
    `<path class="whisker" d="M${middle} ${up(y, bar.low)}V${up(y, bar.high)}"/>`,
  ].join('\n');
};

const axes = ({ x, y }: Chart): string[] => [
  ...y.ticks.flatMap(({ at, text: label }) => [
    `<path class="grid" d="M${AREA.left} ${up(y, at)}H${AREA.right}"/>`,
    text(AREA.left - 8, up(y, at) + 4, label, 'tick', 'end'),
  ]),
  ...x.ticks.map(({ at, text: label }) => text(along(x, at), AREA.bottom + 18, label, 'tick', 'middle')),
  text((AREA.left + AREA.right) / 2, HEIGHT - 14, x.label, 'tick', 'middle'),
  `<text class="tick" text-anchor="middle" transform="translate(18 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)">${escapeText(y.label)}</text>`,
];

/** A name takes about so much room. */
const LETTER = 7.5;

const legend = ({ marks }: Chart, colours: ReadonlyMap<string, string>): string[] => {
  let left: number = AREA.left;
  return [...colours].flatMap(([name, line]) => {
    const at = left;
    left += 44 + name.length * LETTER;
    const isDots = marks.some((mark) => mark.name === name && mark.type === 'points');
    const sample = isDots
      ? `<path class="${line.replace('line', 'points')}" d="M${round(at + 10)} 48h0"/>`
      : `<path class="${line}" d="M${round(at)} 48h20"/>`;
    return [sample, text(at + 26, 52, name, 'tick')];
  });
};

const along = (axis: Axis, value: number): number =>
  round(AREA.left + fractionOf(axis, value) * (AREA.right - AREA.left));

const up = (axis: Axis, value: number): number =>
  round(AREA.bottom - fractionOf(axis, value) * (AREA.bottom - AREA.top));

const fractionOf = ({ min, max, scale }: Axis, value: number): number => {
  const of = scale === 'log' ? Math.log10 : (number: number) => number;
  return Math.min(1, Math.max(0, (of(value) - of(min)) / (of(max) - of(min))));
};

const text = (x: number, y: number, content: string, kind: string, anchor = 'start'): string =>
  `<text class="${kind}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escapeText(content)}</text>`;

const escapeText = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const round = (number: number): number => Number(number.toFixed(1));
