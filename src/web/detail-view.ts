import { askDetail, askHistory, Refusal } from './agent.ts';
import { Backends } from './backends-view.ts';
import { Chart, type ChartPlan } from './chart-view.ts';
import { byId, element, keep, setText } from './dom.ts';
import { bytes, count, figure, latency, portText, socketText, suffixOf } from './figures.ts';
import { minutesOf } from './minutes.ts';
import type { Detail, HistoryView, SeriesName } from './wire.ts';

const CHARTS: readonly ChartPlan[] = [
  {
    title: 'Connections a second',
    text: figure,
    series: [
      { name: 'connections', label: 'connections', style: 'main' },
      { name: 'datagrams', label: 'datagrams', style: 'other', isRare: true },
    ],
  },
  {
    title: 'Failures a second',
    text: figure,
    series: [
      { name: 'failed', label: 'failed', style: 'bad' },
      { name: 'rejected', label: 'refused by Shunt', style: 'other' },
    ],
  },
  {
    title: 'Connect latency',
    text: latency,
    series: [
      { name: 'connectP99Us', label: '99 %', style: 'main' },
      { name: 'connectP50Us', label: 'half', style: 'other' },
    ],
  },
  {
    title: 'Bytes a second',
    text: bytes,
    series: [
      { name: 'sent', label: 'sent', style: 'main' },
      { name: 'received', label: 'received', style: 'other' },
    ],
  },
];

/** One Service port, or all of the node: charts, facts and endpoints. */
export class DetailView {
  readonly #charts = CHARTS.map((plan) => new Chart(plan));
  readonly #onAddress: (text: string) => void;
  #chosen: string | undefined;
  #backends = new Backends();
  #history: HistoryView | undefined;

  constructor(onAddress: (text: string) => void) {
    this.#onAddress = onAddress;
    byId('charts', HTMLElement).append(...this.#charts.map(({ root }) => root));
    byId('minutes-head', HTMLElement).append(element('tr', {}, ...MINUTE_TITLES.map(headCell)));
    byId('minutes', HTMLDetailsElement).addEventListener('toggle', () => this.#showMinutes());
  }

  get chosen(): string | undefined {
    return this.#chosen;
  }

  choose(id: string | undefined): void {
    this.#chosen = id;
    this.#backends = new Backends();
    this.#history = undefined;
    byId('backends', HTMLElement).hidden = true;
    byId('detail-facts', HTMLElement).hidden = true;
    byId('detail-all', HTMLElement).hidden = id === undefined;
    byId('backends-rows', HTMLElement).replaceChildren();
    byId('detail-facts', HTMLElement).replaceChildren();
    setText(byId('detail-title', HTMLElement), id === undefined ? 'All Services of this node' : titleOf(id));
    this.#sayTrouble('');
  }

  /** Every second. What comes too late for a choice is dropped. */
  async showBackends(): Promise<void> {
    const id = this.#chosen;
    if (id === undefined) return;
    try {
      const detail = await askDetail(id);
      if (id !== this.#chosen) return;
      this.#sayTrouble('');
      this.#backends.show(detail);
      this.#showFacts(detail);
    } catch (error) {
      if (!(error instanceof Refusal && error.isOfQuestion)) throw error;
      if (id === this.#chosen) this.#sayTrouble('This Service port is not there any more, or not yet.');
    }
  }

  /** Every step. Returns the step that is shown. */
  async showHistory(): Promise<number | undefined> {
    const id = this.#chosen;
    const history = await askHistory(id);
    if (id !== this.#chosen) return undefined;
    this.#history = history;
    for (const chart of this.#charts) chart.show(history.series, history.stepMs);
    this.#showMinutes();
    return history.step;
  }

  #showFacts({ service }: Detail): void {
    setText(byId('detail-title', HTMLElement), portText(service));
    const list = byId('detail-facts', HTMLElement);
    list.hidden = false;
    keep(list, factsOf(service), {
      keyOf: ({ label }) => label,
      make: ({ label }) => element('div', { 'data-fact': label }, element('dt', {}, label), element('dd')),
      update: (target, { text, sockets }) => {
        const [, value] = target.children;
        if (value === undefined) return;
        if (sockets === undefined) setText(value, text);
        else this.#showSockets(value, sockets);
      },
    });
  }

  #showSockets(target: Element, sockets: readonly string[]): void {
    keep(target, sockets, {
      keyOf: (socket) => socket,
      make: (socket) => {
        const button = element('button', { type: 'button', class: 'link', title: 'Explain' }, socket);
        button.addEventListener('click', () => this.#onAddress(socket));
        return button;
      },
      update: () => {},
    });
  }

  #showMinutes(): void {
    if (!byId('minutes', HTMLDetailsElement).open) return;
    const { series, stepMs } = this.#history ?? {};
    const minutes = series === undefined || stepMs === undefined ? [] : minutesOf(series, stepMs);
    keep(byId('minutes-rows', HTMLElement), minutes, {
      keyOf: ({ back }) => String(back),
      make: ({ back }) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row' }, back === 1 ? 'the last' : `${back} ago`),
          ...MINUTE_COLUMNS.map(() => element('td', { class: 'number' })),
        ),
      update: (target, { values }) => {
        for (const [index, { name, text }] of MINUTE_COLUMNS.entries()) {
          const cell = target.children[index + 1];
          if (cell !== undefined) setText(cell, text(values[name]));
        }
      },
    });
  }

  #sayTrouble(text: string): void {
    const target = byId('detail-trouble', HTMLElement);
    target.hidden = text === '';
    setText(target, text);
  }
}

interface Fact {
  readonly label: string;
  readonly text: string;
  /** Instead of the text. */
  readonly sockets?: readonly string[];
}

const factsOf = (service: Detail['service']): readonly Fact[] => {
  const { addresses, port, protocol, nodePort, algorithm, route, affinityTimeoutS, counts } = service;
  const sockets = addresses.map((address) => `${socketText(address, port)}${suffixOf(protocol)}`);
  return [
    { label: 'Addresses', text: '', sockets },
    ...(nodePort === 0 ? [] : [{ label: 'Node port', text: String(nodePort) }]),
    { label: route === undefined ? 'Choice' : 'Shared by', text: route ?? algorithm },
    ...(affinityTimeoutS === 0 ? [] : [{ label: 'Affinity', text: `${count(affinityTimeoutS)} s` }]),
    { label: 'Connections', text: count(counts.connections) },
    { label: 'Failed', text: count(counts.failed) },
    { label: 'Refused by Shunt', text: count(counts.rejected) },
    { label: 'Open now', text: count(counts.active) },
    ...(protocol === 'UDP' ? [{ label: 'Datagrams', text: count(counts.datagrams) }] : []),
    { label: 'Sent', text: bytes(counts.sent) },
    { label: 'Received', text: bytes(counts.received) },
  ];
};

const titleOf = (id: string): string => id.split('/', 2).join('/');

const MINUTE_COLUMNS = [
  { name: 'connections', title: 'Conn/s', text: figure },
  { name: 'failed', title: 'Failed/s', text: figure },
  { name: 'rejected', title: 'Refused/s', text: figure },
  { name: 'connectP99Us', title: 'p99', text: latency },
  { name: 'sent', title: 'Sent/s', text: bytes },
  { name: 'received', title: 'Received/s', text: bytes },
] as const satisfies readonly { name: SeriesName; title: string; text: (value: number | undefined) => string }[];

const MINUTE_TITLES = ['Minute', ...MINUTE_COLUMNS.map(({ title }) => title)];

const headCell = (title: string, index: number): Element =>
  element('th', { scope: 'col', class: index === 0 ? undefined : 'number' }, title);
