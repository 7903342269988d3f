import { type Format, plain, type Style } from './style.ts';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: 'left' | 'right';
  readonly format?: (row: Row) => Format | undefined;
}

export interface TableOptions {
  /** Columns of the terminal: wider lines have their widest texts cut. Absent: nothing is cut. */
  readonly width?: number | undefined;
  readonly style?: Style;
}

const GAP = '  ';
const NARROWEST = 8;

/** Aligned columns, no frames; ends in a line break. */
export const renderTable = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, style = plain }: TableOptions = {},
): string => {
  const cells = rows.map((row) => columns.map(({ text }) => text(row)));
  const widths = fit(
    columns.map(({ title }, index) => widest(title, cells, index)),
    width,
  );
  const header = columns.map(({ title }) => title);
  const lines = [line(columns, widths, header, () => 'bold', style)];
  for (const [index, row] of rows.entries()) {
    lines.push(line(columns, widths, cells[index] ?? [], ({ format }) => format?.(row), style));
  }
  return lines.map((text) => `${text}\n`).join('');
};

/** One line for each pair, names to the left. */
export const renderPairs = (
  pairs: readonly (readonly [name: string, text: string])[],
  style: Style = plain,
): string => {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, text]) => `${style('bold', name.padEnd(width))}${GAP}${text}\n`).join('');
};

const widest = (title: string, cells: readonly (readonly string[])[], index: number): number =>
  cells.reduce((most, row) => Math.max(most, row[index]?.length ?? 0), title.length);

/** Takes from the widest column until the line fits. */
const fit = (wanted: readonly number[], width: number | undefined): readonly number[] => {
  if (width === undefined) return wanted;
  const widths = [...wanted];
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1)) - width;
  while (excess > 0) {
    const most = Math.max(...widths);
    if (most <= NARROWEST) break;
    widths[widths.indexOf(most)] = most - 1;
    excess -= 1;
  }
  return widths;
};

const line = <Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  cells: readonly string[],
  formatOf: (column: Column<Row>) => Format | undefined,
  style: Style,
): string => {
  const last = columns.length - 1;
  const parts = columns.map((column, index) => {
    const width = widths[index] ?? 0;
    const text = cut(cells[index] ?? '', width);
    const format = formatOf(column);
    const styled = format === undefined ? text : style(format, text);
    const padding = ' '.repeat(width - text.length);
    if (column.align === 'right') return padding + styled;
    return index === last ? styled : styled + padding;
  });
  return parts.join(GAP).trimEnd();
};

const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
