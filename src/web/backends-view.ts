import { byId, element, keep, setAttributes, setText, svgElement } from './dom.ts';
import { count, duration, figure, percent, plural, socketText } from './figures.ts';
import { RateWindow } from './rate-window.ts';
import { type BackendSample, type Observed, observedShares, usesOf, withSample } from './shares.ts';
import type { Backend, Detail } from './wire.ts';

const WINDOW_MS = 5000;
const BAR = { width: 72, height: 10 } as const;

/** Endpoints of one Service port: what share each should have of new connections, and what share it had. */
export class Backends {
  readonly #rates = new RateWindow<Backend>(WINDOW_MS);
  #samples: readonly BackendSample[] = [];

  show({ atMs, backends, more }: Detail): void {
    this.#samples = withSample(this.#samples, { atMs, backends });
    this.#rates.note({ atMs, counts: new Map(backends.map((backend) => [backend.key, backend])) });
    const observed = observedShares(this.#samples);
    byId('backends', HTMLElement).hidden = false;
    byId('backends-table', HTMLElement).hidden = backends.length === 0;
    setText(byId('backends-note', HTMLElement), noteOf(backends, more, observed));
    const hasGroups = new Set(backends.map(({ group }) => group)).size > 1;
    keep(byId('backends-rows', HTMLElement), backends, {
      keyOf: ({ key }) => key,
      make: (backend) => newRow(backend, hasGroups),
      update: (target, backend) => this.#showRow(target, backend, observed.shares.get(backend.key)),
    });
  }

  #showRow(target: Element, backend: Backend, observed: number | undefined): void {
    const [name, bar, wanted, seen, rate, failed, active] = target.children;
    const note = name?.querySelector('.state');
    if (note) setText(note, STATES[backend.state]);
    setAttributes(target, { 'data-state': backend.state });
    showBar(bar?.firstElementChild, backend.share, observed);
    setCell(wanted, percent(backend.share));
    setCell(seen, percent(observed));
    setCell(rate, figure(this.#rates.rate(backend.key, WINDOW_MS, usesOf)));
    setCell(failed, count(backend.failed + backend.rejected));
    setCell(active, count(backend.active));
  }
}

const STATES = { answering: '', refused: 'refused', drained: 'drained', earlier: 'by an earlier choice' } as const;

const setCell = (cell: Element | undefined, text: string): void => {
  if (cell !== undefined) setText(cell, text);
};

const noteOf = (backends: readonly Backend[], more: number, { connections, forMs, isAgents }: Observed) => {
  if (backends.length === 0) return 'No endpoint answers.';
  const left = more > 0 ? ` ${plural(more, 'endpoint')} with smaller shares left out.` : '';
  const seen = connections === 0 ? 'no connection yet' : plural(connections, 'connection');
  const since = isAgents
    ? 'since shares last changed, or the agent started'
    : 'since shares last changed, or in the last minute';
  return `Observed: ${seen} in ${duration(forMs)}, ${since}.${left}`;
};

const newRow = ({ address, port, arm, clients, group, state }: Backend, hasGroups: boolean): Element => {
  const place = state === 'refused' ? 'No endpoint' : socketText(address, port);
  const about = [arm, clients === undefined ? '' : `for ${clients}`, hasGroups ? group : ''].filter(Boolean).join(', ');
  const bar = svgElement(
    'svg',
    { ...BAR, viewBox: `0 0 ${BAR.width} ${BAR.height}`, class: 'bar', 'aria-hidden': 'true' },
    svgElement('rect', { class: 'track', width: BAR.width, height: BAR.height, rx: 2 }),
    svgElement('rect', { class: 'observed', height: BAR.height, rx: 2 }),
    svgElement('rect', { class: 'wanted', width: 2, height: BAR.height + 4, y: -2 }),
  );
  return element(
    'tr',
    {},
    element(
      'th',
      { scope: 'row' },
      element('span', { class: 'own' }, place),
      element('span', { class: 'space' }, about),
      element('span', { class: 'state' }),
    ),
    element('td', { class: 'wide' }, bar),
    ...Array.from({ length: 3 }, () => element('td', { class: 'number' })),
    ...Array.from({ length: 2 }, () => element('td', { class: 'number wide' })),
  );
};

/** As much is filled as was observed; a mark stands where it should end. */
const showBar = (bar: Element | null | undefined, wanted: number, observed: number | undefined): void => {
  const [, filled, mark] = bar?.children ?? [];
  if (filled === undefined || mark === undefined) return;
  setAttributes(filled, { width: ((observed ?? 0) * BAR.width).toFixed(1) });
  setAttributes(mark, { x: Math.min(BAR.width - 2, Math.max(0, wanted * BAR.width - 1)).toFixed(1) });
};
