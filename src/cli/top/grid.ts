import type { Format } from '../style.ts';
import { FIGURES, type FigureColumn, figuresFor, nameOf } from './columns.ts';
import type { Look } from './look.ts';
import { HISTORY, type Model } from './model.ts';
import type { PortRates } from './rates.ts';
import { sparkline } from './sparkline.ts';
import { clean } from './text.ts';

export interface Column {
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly cell: (port: PortRates, model: Model, look: Look) => Cell;
}

export interface Cell {
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
  'r99',
  'trend',
  'rejected',
  'out',
  'in',
  'p50',
  'r50',
  'pending',
  'datagrams',
] as const;

/** Names get what is left over, then the trend. */
export const columnsFor = (rows: readonly PortRates[], width: number): readonly Column[] => {
  const shown = figuresFor(rows);
  const isShown = (name: string): boolean => name === 'trend' || shown.some(([each]) => each === name);
  const kept = new Set<string>();
  let left = width - Math.min(NAME_WIDTH, width);
  for (const name of WANTED.filter(isShown)) {
    const needed = 1 + (name === 'trend' ? TREND_WIDTH : FIGURES[name].width);
    if (needed > left) break;
    kept.add(name);
    left -= needed;
  }
  const longest = rows.reduce((most, row) => Math.max(most, nameOf(row).length), NAME_WIDTH);
  const nameWidth = Math.min(width, NAME_WIDTH) + Math.min(left, longest - NAME_WIDTH);
  const trendWidth = Math.min(HISTORY, TREND_WIDTH + left - Math.max(0, nameWidth - NAME_WIDTH));
  const figures = shown.flatMap(([name, column]) => (kept.has(name) ? [figureColumn(column)] : []));
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

/** Without blanks at its end. */
export const lineOf = (columns: readonly Column[], cellOf: (column: Column) => Cell, { style }: Look): string => {
  const cells = columns.map((column) => {
    const { text: whole, format } = cellOf(column);
    const text = whole.slice(0, column.width);
    const padding = ' '.repeat(Math.max(0, column.width - text.length));
    const styled = format === undefined || text.trim() === '' ? text : style(format, text);
    return column.align === 'right' ? padding + styled : styled + padding;
  });
  return cells.join(' ').trimEnd();
};
