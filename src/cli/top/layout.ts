import { columnsFor, lineOf } from './grid.ts';
import { footLine, sameNodeLine, titleLine, totalsLine } from './head.ts';
import type { Look, Size } from './look.ts';
import type { Model } from './model.ts';
import { clampOffset, rowsOf, type View } from './view.ts';

/** Lines of a screen: as many as it has, none wider. Lines of the head go before those of Services where it is low. */
export const layout = (model: Model, view: View, look: Look, { width, height }: Size): readonly string[] => {
  const { rates } = model;
  const rows = rowsOf(rates?.ports ?? [], view);
  const page = pageOf({ width, height });
  const offset = clampOffset(view.offset, rows.length, page);
  const columns = columnsFor(rows, width);
  const shown = rows.slice(offset, offset + page);
  const body = shown.map((row) => lineOf(columns, (column) => column.cell(row, model, look), look));
  const blank = new Array<string>(page - shown.length).fill('');
  const foot = footLine(model, view, { from: offset, to: offset + shown.length, of: rows.length }, look, width);
  const header = lineOf(columns, ({ title }) => ({ text: title, format: 'bold' }), look);
  const head = [titleLine(rates, view, look, width), totalsLine(rates, look, width), sameNodeLine(model, look, width)];
  return [...head.slice(0, headOf(height)), header, ...body, ...blank, foot].slice(0, height);
};

/** How many Service ports are in sight. */
export const pageOf = ({ height }: Size): number => Math.max(0, height - headOf(height) - TITLES_AND_FOOT);

const TITLES_AND_FOOT = 2;

/** Lines of the head, as long as a row is left. */
const headOf = (height: number): number => Math.max(0, Math.min(3, height - TITLES_AND_FOOT - 1));
