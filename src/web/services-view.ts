import { byId, element, keep, setAttributes, setText } from './dom.ts';
import { bytes, count, figure, latency, suffixOf } from './figures.ts';
import { placeOf } from './place.ts';
import { RateWindow } from './rate-window.ts';
import type { Counts, Overview, Row } from './wire.ts';

/** Rates are of so long: calm enough to be read, and new each second. */
const WINDOW_MS = 5000;

/** Service ports with their rates, each a link to its detail. */
export const createServices = (onSearch: () => void) => {
  const rates = new RateWindow<Counts>(WINDOW_MS);
  const search = byId('search', HTMLInputElement);
  search.addEventListener('input', onSearch);
  byId('search-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    onSearch();
  });
  return {
    search: () => search.value.trim(),
    show: (overview: Overview, chosen: string | undefined): void => {
      rates.note({ atMs: overview.atMs, counts: new Map(overview.rows.map(({ id, counts }) => [id, counts])) });
      setText(byId('services-note', HTMLElement), noteOf(overview, search.value.trim()));
      keep(byId('services-rows', HTMLElement), overview.rows, {
        keyOf: ({ id }) => id,
        make: newRow,
        update: (target, row) => showRow(target, row, rates, row.id === chosen),
      });
    },
  };
};

const noteOf = ({ ports, used, found, rows }: Overview, search: string): string => {
  const shown = rows.length < found ? `; ${count(rows.length)} are shown` : '';
  if (search !== '') return `${count(found)} of ${count(ports)} Service ports have “${search}” in their name${shown}.`;
  return `${count(used)} of ${count(ports)} Service ports have been used on this node${shown}.`;
};

const newRow = (row: Row): Element => {
  const { namespace, service, port, protocol } = row;
  const link = element(
    'a',
    { href: placeOf(row.id) },
    element('span', { class: 'space' }, `${namespace}/`),
    element('span', { class: 'own' }, `${service}:${port}${suffixOf(protocol)}`),
  );
  const cells = COLUMNS.map(({ wide }) => element('td', { class: wide ? 'number wide' : 'number' }));
  return element('tr', {}, element('th', { scope: 'row' }, link), ...cells);
};

interface Column {
  readonly text: (row: Row, rate: (read: (counts: Counts) => number) => number | undefined) => string;
  readonly level?: 'bad' | 'warn';
  readonly wide?: true;
}

/** Of UDP the datagrams count: unconnected sockets have no connections. */
const COLUMNS: readonly Column[] = [
  { text: (_, rate) => figure(rate(({ connections, datagrams }) => connections + datagrams)) },
  { text: (_, rate) => figure(rate(({ failed }) => failed)), level: 'bad' },
  { text: (_, rate) => figure(rate(({ rejected }) => rejected)), level: 'warn', wide: true },
  { text: ({ connectP99Us }) => latency(connectP99Us) },
  { text: ({ counts }) => count(counts.active), wide: true },
  { text: (_, rate) => bytes(rate(({ sent, received }) => sent + received)), wide: true },
];

const showRow = (target: Element, row: Row, rates: RateWindow<Counts>, isChosen: boolean): void => {
  const rate = (read: (counts: Counts) => number): number | undefined => rates.rate(row.id, WINDOW_MS, read);
  setAttributes(target, { class: isChosen ? 'chosen' : undefined });
  const link = target.querySelector('a');
  if (link !== null) setAttributes(link, { 'aria-current': isChosen ? 'true' : undefined });
  for (const [index, { text, level }] of COLUMNS.entries()) {
    const cell = target.children[index + 1];
    if (cell === undefined) continue;
    const shown = text(row, rate);
    setText(cell, shown);
    setAttributes(cell, { 'data-level': shown === '0' || shown === '–' ? undefined : level });
  }
};
