import { nameOf, SORT_NAMES, type SortName, sorted, sortKey } from './columns.ts';
import type { PortRates } from './rates.ts';

/** What the person who looks has chosen. */
export interface View {
  readonly sort: SortName;
  readonly isReversed: boolean;
  /** Part of `NAMESPACE/NAME:PORT`; empty: all. */
  readonly filter: string;
  /** While a filter is typed: the one before it. */
  readonly filterBefore?: string | undefined;
  /** Rows above the first in sight. */
  readonly offset: number;
}

/** As `node:readline` names keys; `text` is what a key writes, if anything. */
export interface Key {
  readonly name: string;
  readonly ctrl: boolean;
  readonly text: string;
}

export const FIRST_VIEW: View = { sort: 'connections', isReversed: false, filter: '', offset: 0 };

/** Those that pass the filter, in order. */
export const rowsOf = (ports: readonly PortRates[], { filter, sort, isReversed }: View): readonly PortRates[] =>
  sorted(
    ports.filter((port) => nameOf(port).includes(filter)),
    sort,
    isReversed,
  );

/** No further than to the last row. */
export const clampOffset = (offset: number, rows: number, page: number): number =>
  Math.max(0, Math.min(offset, rows - page));

/** What a key does, where `page` of so many `rows` are in sight. */
export const press = (view: View, key: Key, { rows, page }: { rows: number; page: number }): View | 'quit' => {
  if (key.ctrl && key.name === 'c') return 'quit';
  if (view.filterBefore !== undefined) return type(view, key);
  if (key.text === 'q' || (key.ctrl && key.name === 'd')) return 'quit';
  if (key.text === '/') return { ...view, filterBefore: view.filter, filter: '', offset: 0 };
  if (key.name === 'escape') return { ...view, filter: '', offset: 0 };
  if (key.text === 'r') return { ...view, isReversed: !view.isReversed };
  const sort = sortFor(view.sort, key);
  if (sort !== undefined) return { ...view, sort, isReversed: view.sort === sort && !view.isReversed };
  const way = scroll(key, page);
  return way === undefined ? view : { ...view, offset: clampOffset(view.offset + way, rows, page) };
};

/** The key of a column, or `s` and `S` for the next and the one before. */
const sortFor = (now: SortName, { text }: Key): SortName | undefined => {
  const step = text === 's' ? 1 : text === 'S' ? -1 : 0;
  if (step === 0) return SORT_NAMES.find((name) => sortKey(name) === text);
  const { length } = SORT_NAMES;
  return SORT_NAMES[(SORT_NAMES.indexOf(now) + step + length) % length];
};

const scroll = ({ name, text }: Key, page: number): number | undefined => {
  if (name === 'up') return -1;
  if (name === 'down') return 1;
  if (name === 'pageup') return -page;
  if (name === 'pagedown' || text === ' ') return page;
  if (name === 'home') return Number.NEGATIVE_INFINITY;
  return name === 'end' ? Number.POSITIVE_INFINITY : undefined;
};

/** Names of Services are ASCII, so nothing else is taken. */
const type = (view: View, { name, text }: Key): View => {
  if (name === 'return' || name === 'enter') return { ...view, filterBefore: undefined };
  if (name === 'escape') return { ...view, filter: view.filterBefore ?? '', filterBefore: undefined, offset: 0 };
  if (name === 'backspace') return { ...view, filter: view.filter.slice(0, -1), offset: 0 };
  return /^[\x21-\x7e]$/.test(text) ? { ...view, filter: view.filter + text, offset: 0 } : view;
};
