import { askComplaints } from './agent.ts';
import { byId, element, keep, setAttributes, setText } from './dom.ts';
import { bytes, figure, latency, plural } from './figures.ts';
import type { Health, HistoryView, Overview, SeriesName } from './wire.ts';

/** The top of the page: which node, how it is, what is complained about, and what all of its Services do. */
export const createHead = () => {
  const complaints = byId('complaints', HTMLDetailsElement);
  complaints.addEventListener('toggle', () => {
    if (complaints.open) void showComplaints();
  });
  return { show, showTotals, showTrouble };
};

const show = ({ node, version, health }: Overview): void => {
  setText(byId('node', HTMLElement), node);
  setText(byId('version', HTMLElement), `version ${version}`);
  const title = `${node} – Shunt`;
  if (document.title !== title) document.title = title;
  showHealth(stateOf(health));
  setAttributes(document.body, { 'data-old': undefined });
  showTroubles(health);
  const { errors, warnings, notes } = health.complaints;
  const counted = [plural(errors, 'error'), plural(warnings, 'warning'), plural(notes, 'note')];
  const summary = byId('complaints-summary', HTMLElement);
  const before = summary.textContent;
  setText(summary, `About objects: ${counted.join(', ')}`);
  const complaints = byId('complaints', HTMLDetailsElement);
  if (complaints.open && summary.textContent !== before) void showComplaints();
  complaints.hidden = errors + warnings + notes === 0;
  setAttributes(complaints, { 'data-level': errors > 0 ? 'bad' : warnings > 0 ? 'warn' : 'well' });
};

interface State {
  readonly level: 'well' | 'wait' | 'bad';
  readonly text: string;
}

const stateOf = ({ ready, unhealthy, source, detached }: Health): State => {
  if (unhealthy !== '') return { level: 'bad', text: 'A change is not in force' };
  if (detached.length > 0) return { level: 'bad', text: 'Programs are detached' };
  if (source.trouble !== '') return { level: 'bad', text: 'The source is in trouble' };
  return ready ? { level: 'well', text: 'All in force' } : { level: 'wait', text: 'Starting' };
};

const showHealth = ({ level, text }: State): void => {
  const target = byId('health', HTMLElement);
  setText(target, text);
  setAttributes(target, { 'data-level': level });
};

const showTroubles = ({ unhealthy, detached, source }: Health): void => {
  const troubles = [
    ...(unhealthy === '' ? [] : [unhealthy]),
    ...(detached.length === 0 ? [] : [`not attached: ${detached.join(', ')}`]),
    ...(source.trouble === '' ? [] : [`${source.name}: ${source.trouble}`]),
  ];
  const list = byId('troubles', HTMLElement);
  list.hidden = troubles.length === 0;
  keep(list, troubles, { keyOf: (text) => text, make: (text) => element('li', {}, text), update: () => {} });
};

/** What was shown stays, and looks as if it were old. */
const showTrouble = (text: string): void => {
  showHealth({ level: 'bad', text });
  setAttributes(document.body, { 'data-old': '' });
};

const showComplaints = async (): Promise<void> => {
  const complaints = await askComplaints().catch(() => undefined);
  if (complaints === undefined) return;
  keep(byId('complaints-list', HTMLElement), complaints, {
    keyOf: ({ object, path, message }) => `${object} ${path} ${message}`,
    make: ({ severity, object, path, message }) =>
      element('li', {}, element('strong', {}, severity), ` ${object}${path === '' ? '' : ` ${path}`}: ${message}`),
    update: () => {},
  });
};

interface Tile {
  readonly name: SeriesName;
  readonly label: string;
  readonly text: (value: number | undefined) => string;
  readonly level?: 'bad' | 'warn';
}

const TILES: readonly Tile[] = [
  { name: 'connections', label: 'Connections/s', text: figure },
  { name: 'failed', label: 'Failed/s', text: figure, level: 'bad' },
  { name: 'rejected', label: 'Refused/s', text: figure, level: 'warn' },
  { name: 'connectP99Us', label: 'Connect, p99', text: latency },
  { name: 'sent', label: 'Sent/s', text: bytes },
  { name: 'received', label: 'Received/s', text: bytes },
];

/** Of the last step of all Services together. */
const showTotals = ({ series }: HistoryView): void => {
  keep(byId('totals', HTMLElement), TILES, {
    keyOf: ({ name }) => name,
    make: ({ label }) => element('div', {}, element('dt', {}, label), element('dd')),
    update: (target, { name, text, level }) => {
      const value = series?.[name].at(-1) ?? undefined;
      const [, figures] = target.children;
      if (figures === undefined) return;
      setText(figures, text(value));
      setAttributes(target, { 'data-level': value !== undefined && value > 0 ? level : undefined });
    },
  });
};
