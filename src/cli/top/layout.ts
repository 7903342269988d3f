import { count, percent } from '../numbers.ts';
import type { Format, Style } from '../style.ts';
import { FIGURES, type FigureColumn, nameOf } from './columns.ts';
import { byteFigure, figure } from './figures.ts';
import { HISTORY, type Model, redirectedShare } from './model.ts';
import type { PortRates, Rates } from './rates.ts';
import { sparkline } from './sparkline.ts';
import { clampOffset, rowsOf, type View } from './view.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Look {
  readonly isUnicode: boolean;
  readonly style: Style;
  /** Of the readings, in words: `every 2 s`. */
  readonly every: string;
  /** What was asked for: empty, a namespace or a Service. Totals are of that. */
  readonly scope: string;
}

/** Lines of a screen: as many as it has, none wider. Lines of the head go before those of Services where it is low. */
export const layout = (model: Model, view: View, look: Look, { width, height }: Size): readonly string[] => {
  const { rates } = model;
  const rows = rowsOf(rates?.ports ?? [], view);
  const page = pageOf({ width, height });
  const offset = clampOffset(view.offset, rows.length, page);
  const columns = columnsFor(rows, width);
  const shown = rows.slice(offset, offset + page);
  const body = shown.map((row) => line(columns, (column) => column.cell(row, model, look), look));
  const blank = new Array<string>(page - shown.length).fill('');
  const foot = footLine(model, view, { from: offset, to: offset + shown.length, of: rows.length }, look, width);
  const header = line(columns, ({ title }) => ({ text: title, format: 'bold' }), look);
  const head = [titleLine(rates, view, look, width), totalsLine(rates, look, width), sameNodeLine(model, look, width)];
  return [...head.slice(0, headOf(height)), header, ...body, ...blank, foot].slice(0, height);
};

/** How many Service ports are in sight. */
export const pageOf = ({ height }: Size): number => Math.max(0, height - headOf(height) - TITLES_AND_FOOT);

const TITLES_AND_FOOT = 2;

/** Lines of the head, as long as a row is left. */
const headOf = (height: number): number => Math.max(0, Math.min(3, height - TITLES_AND_FOOT - 1));

interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly cell: (port: PortRates, model: Model, look: Look) => Cell;
}

interface Cell {
  readonly text: string;
  readonly format?: Format | undefined;
}

const NAME_WIDTH = 24;
const TREND_WIDTH = 8;

/** What a narrow terminal keeps, the first longest. */
const WANTED = [
  'connections',
  'failed',
  'active',
  'p99',
  'trend',
  'rejected',
  'out',
  'in',
  'p50',
  'pending',
  'datagrams',
] as const;

/** Names get what is left over, then the trend. */
const columnsFor = (rows: readonly PortRates[], width: number): readonly Column[] => {
  const kept = new Set<string>();
  let left = width - Math.min(NAME_WIDTH, width);
  for (const name of WANTED) {
    const needed = 1 + (name === 'trend' ? TREND_WIDTH : FIGURES[name].width);
    if (needed > left) break;
    kept.add(name);
    left -= needed;
  }
  const longest = rows.reduce((most, row) => Math.max(most, nameOf(row).length), NAME_WIDTH);
  const nameWidth = Math.min(width, NAME_WIDTH) + Math.min(left, longest - NAME_WIDTH);
  const trendWidth = Math.min(HISTORY, TREND_WIDTH + left - Math.max(0, nameWidth - NAME_WIDTH));
  const figures = Object.entries(FIGURES).flatMap(([name, column]) => (kept.has(name) ? [figureColumn(column)] : []));
  return [nameColumn(nameWidth), ...figures, ...(kept.has('trend') ? [trendColumn(trendWidth)] : [])];
};

const nameColumn = (width: number): Column => ({
  title: 'SERVICE',
  width,
  align: 'left',
  cell: (port, _, { isUnicode }) => ({ text: shorten(port, width, isUnicode) }),
});

/** The port stays: it tells rows of one Service apart. */
const shorten = (port: PortRates, width: number, isUnicode: boolean): string => {
  const name = clean(nameOf(port));
  if (name.length <= width) return name;
  const tail = name.slice(name.lastIndexOf(':'));
  const mark = isUnicode ? '…' : '~';
  return `${name.slice(0, Math.max(0, width - tail.length - 1))}${mark}${tail}`.slice(0, width);
};

const figureColumn = ({ title, width, value, text, format }: FigureColumn): Column => ({
  title,
  width,
  align: 'right',
  cell: (port) => {
    const number = value(port);
    return { text: text(number), format: number === undefined || number === 0 ? undefined : format };
  },
});

const trendColumn = (width: number): Column => ({
  title: 'TREND',
  width,
  align: 'left',
  cell: ({ id }, { history }, { isUnicode }) => ({
    text: sparkline(history.get(id) ?? [], width, isUnicode),
    format: 'cyan',
  }),
});

const line = (columns: readonly Column[], cellOf: (column: Column) => Cell, { style }: Look): string => {
  const cells = columns.map((column) => {
    const { text: whole, format } = cellOf(column);
    const text = whole.slice(0, column.width);
    const padding = ' '.repeat(Math.max(0, column.width - text.length));
    const styled = format === undefined || text.trim() === '' ? text : style(format, text);
    return column.align === 'right' ? padding + styled : styled + padding;
  });
  return cells.join(' ').trimEnd();
};

const titleLine = (rates: Rates | undefined, view: View, look: Look, width: number): string => {
  const { sort, isReversed, filter } = view;
  const parts = [
    'shunt top',
    ...(rates === undefined ? [] : [`node ${rates.node}`]),
    ...(look.scope === '' ? [] : [`only ${look.scope}`]),
    look.every,
    `by ${sort}${isReversed ? ', reversed' : ''}`,
    ...(filter === '' || view.filterBefore !== undefined ? [] : [`filter ${filter}`]),
  ];
  return look.style('bold', fitting(parts, width));
};

const totalsLine = (rates: Rates | undefined, { scope }: Look, width: number): string => {
  if (rates === undefined) return '';
  const { totals } = rates;
  return fitting(
    [
      `${scope === '' ? 'node' : 'these'}: ${figure(totals.attemptsPerS)} conn/s`,
      `${figure(totals.failedPerS)} failed/s`,
      `${figure(totals.rejectedPerS)} rejected/s`,
      `${figure(totals.active)} active`,
      `out ${byteFigure(totals.bytesSentPerS)}/s`,
      `in ${byteFigure(totals.bytesReceivedPerS)}/s`,
      `${figure(totals.pending)} pending`,
      `${figure(totals.datagramsPerS)} datagrams/s`,
    ],
    width,
  );
};

const sameNodeLine = (model: Model, { scope, style }: Look, width: number): string => {
  const { rates } = model;
  if (rates === undefined) return '';
  const name = 'socket to socket';
  if (rates.sameNode === undefined) return fitting([`${name}: not known`], width);
  const { attached, unavailable, joined, messagesPerS, bytesPerS, messageShare } = rates.sameNode;
  if (unavailable !== '') return style('yellow', fitting([`${name}: by TCP`, unavailable], width));
  if (!attached) return fitting([`${name}: nobody asks for it`], width);
  // Bytes of some Services say nothing of the whole node.
  const byteShare = scope === '' ? redirectedShare(model) : undefined;
  return fitting(
    [
      `${name}: ${count(joined)} sockets`,
      `${figure(messagesPerS)} messages/s${messageShare === undefined ? '' : ` (${percent(messageShare)})`}`,
      `${byteFigure(bytesPerS)} bytes/s${byteShare === undefined ? '' : ` (${percent(byteShare)} of all)`}`,
    ],
    width,
  );
};

interface Range {
  readonly from: number;
  readonly to: number;
  readonly of: number;
}

/** What is typed, or what is wrong, or the keys. */
const footLine = (model: Model, view: View, range: Range, { style }: Look, width: number): string => {
  if (view.filterBefore !== undefined) return `/${view.filter}`.slice(0, width);
  if (model.trouble !== '') return style('red', fitting([`${model.trouble}; trying again`], width));
  if (model.rates === undefined) return fitting(['asking the agent'], width);
  const place = range.of === 0 ? 'no Service port' : `${range.from + 1} to ${range.to} of ${count(range.of)}`;
  return style(
    'dim',
    fitting([place, 'q quit', '/ filter', 's sort', 'r reverse', 'arrows, PgUp, PgDn scroll'], width),
  );
};

/** As many parts as there is room for; the first is cut. */
const fitting = (parts: readonly string[], width: number): string => {
  let text = clean(parts[0] ?? '').slice(0, width);
  for (const part of parts.slice(1).map(clean)) {
    if (text.length + GAP.length + part.length > width) break;
    text += GAP + part;
  }
  return text;
};

const GAP = '  ';

/** What comes from objects or errors cannot steer the terminal, and each character takes one column. */
const clean = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?');
