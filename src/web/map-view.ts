import { become, byId, element, keep, onWidth, setAttributes, setText, svgElement } from './dom.ts';
import { figure, percent, plural, portText } from './figures.ts';
import {
  type Band,
  type Flow,
  type FlowMap,
  fits,
  fitting,
  flowMap,
  levelOf,
  type Node as MapNode,
  REST,
} from './flow-map.ts';
import { placeOf } from './place.ts';
import { RateWindow } from './rate-window.ts';
import { usesOf } from './shares.ts';
import type { Overview, Pair } from './wire.ts';

/** A rate of so long, and a band stays a while after its last connection: a map that jumps cannot be read. */
const RATE_MS = 15_000;
const STAY_MS = 60_000;

type Counts = Pair['counts'];

/** The map of this node, and the same as a table. */
export const createMap = () => {
  const rates = new RateWindow<Counts>(STAY_MS);
  const target = byId('map', HTMLElement);
  let width = 0;
  let flows: readonly Flow[] = [];
  let places: ReadonlyMap<string, string> = new Map();
  // What is there is changed, so that a click or a title under the pointer outlives it.
  const draw = (): void => {
    if (width === 0) return;
    const drawn = flows.length === 0 ? [] : [drawing(flowMap(flows, width), width, places)];
    keep(target, drawn, { keyOf: () => 'map', make: (fresh) => fresh, update: become });
  };
  onWidth(target, (now) => {
    width = now;
    draw();
  });
  return {
    show: ({ pairs, rows }: Overview): void => {
      if (pairs === undefined) {
        setText(byId('map-note', HTMLElement), 'Who asks is not counted here.');
        return;
      }
      const named = new Map(pairs.shown.map((pair) => [keyOf(pair), pair]));
      rates.note({ atMs: pairs.atMs, counts: new Map(Array.from(named, ([key, { counts }]) => [key, counts])) });
      if (!rates.isKnown) {
        setText(byId('map-note', HTMLElement), 'Counting connections.');
        return;
      }
      const before = JSON.stringify(flows);
      flows = flowsOf(named, rates);
      places = new Map(rows.map((row) => [portText(row), placeOf(row.id)]));
      setText(byId('map-note', HTMLElement), noteOf(flows, pairs.more));
      if (JSON.stringify(flows) === before) return;
      draw();
      showRows(flows, places);
    },
  };
};

const keyOf = ({ namespace, workload, port }: Pair): string => `${namespace} ${workload} ${port}`;

const flowsOf = (named: ReadonlyMap<string, Pair>, rates: RateWindow<Counts>): readonly Flow[] =>
  [...named].flatMap(([key, pair]) => {
    if ((rates.rate(key, STAY_MS, usesOf) ?? 0) === 0) return [];
    const rate = rates.rate(key, RATE_MS, usesOf) ?? 0;
    const failedRate = rates.rate(key, RATE_MS, ({ failed, rejected }) => failed + rejected) ?? 0;
    return [{ from: workloadText(pair), to: pair.port, rate: shortened(rate), failedRate: shortened(failedRate) }];
  });

/** Three digits: less is no reason to draw anew. */
const shortened = (value: number): number => Number(value.toPrecision(3));

const workloadText = ({ namespace, workload }: Pair): string =>
  namespace === '' ? workload : `${namespace}/${workload}`;

const noteOf = (flows: readonly Flow[], more: number): string => {
  if (flows.length === 0) return 'No workload of this node has connected to a Service in the last minute.';
  const failing = flows.filter((flow) => levelOf(flow) !== 'well').length;
  const rest = more > 0 ? ` ${plural(more, 'pair')} with less to do left out.` : '';
  const failures = failing === 0 ? 'none fails' : `${failing} with failures`;
  return `${plural(flows.length, 'pair')}, ${failures}. A band is as wide as the root of its connections a second.${rest}`;
};

const drawing = (map: FlowMap, width: number, places: ReadonlyMap<string, string>): SVGElement =>
  svgElement(
    'svg',
    { viewBox: `0 0 ${width} ${map.height}`, width, height: map.height },
    ...map.bands.map(bandOf),
    ...map.sources.map((node) => nodeOf(node, { at: map.left, room: map.left, side: 'source' }, undefined)),
    ...map.targets.map((node) =>
      nodeOf(node, { at: map.right, room: width - map.right, side: 'target' }, places.get(node.name)),
    ),
    ...map.bands.flatMap(failureOf),
  );

const bandOf = ({ path, width, level, from, to, rate }: Band): SVGElement =>
  svgElement(
    'path',
    { d: path, class: `band ${level}`, 'stroke-width': width.toFixed(1), 'data-key': `band ${from} ${to}` },
    svgElement('title', {}, `${from} → ${to}: ${figure(rate)}/s`),
  );

/** Colour is not all that says it. */
const failureOf = ({ from, to, level, middle, rate, failedRate, isLabelled }: Band): readonly SVGElement[] =>
  !isLabelled
    ? []
    : [
        svgElement(
          'text',
          {
            x: middle.x,
            y: middle.y,
            class: `failure ${level}`,
            'text-anchor': 'middle',
            dy: '0.35em',
            'data-key': `failure ${from} ${to}`,
          },
          `${percent(failedRate / rate)} fail`,
        ),
      ];

interface Place {
  readonly at: number;
  readonly room: number;
  readonly side: 'source' | 'target';
}

const BAR = 4;
const BESIDE = 10;
/** Widths of a letter. */
const LARGE = 8;
const SMALL = 6.8;

const nodeOf = ({ name, y, height }: MapNode, { at, room, side }: Place, href: string | undefined): SVGElement => {
  const slash = name === REST ? -1 : name.indexOf('/');
  const isSource = side === 'source';
  const x = isSource ? at - BESIDE : at + BESIDE;
  const anchor = isSource ? 'end' : 'start';
  const [space, own] = slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
  const [kind, bare] = isSource && own.includes('/') ? (own.split('/', 2) as [string, string]) : ['', own];
  const letters = room - BESIDE;
  const small = kind === '' || !fits(`${kind} in ${space}`, letters, SMALL) ? space : `${kind} in ${space}`;
  const middle = y + height / 2;
  const shape = svgElement(
    'g',
    { class: `node ${side}`, 'data-key': `${side} ${name}` },
    svgElement('title', {}, name),
    svgElement('rect', { x: isSource ? at - BAR : at, y, width: BAR, height, rx: 1 }),
    svgElement(
      'text',
      { x, y: small === '' ? middle + 4 : middle - 2, 'text-anchor': anchor, class: 'node-name' },
      fitting(bare, letters, LARGE),
    ),
    svgElement(
      'text',
      { x, y: middle + 12, 'text-anchor': anchor, class: 'node-space' },
      fitting(small, letters, SMALL),
    ),
  );
  return href === undefined
    ? shape
    : svgElement('a', { class: 'node-link', href, tabindex: -1, 'data-key': `link ${name}` }, shape);
};

const showRows = (flows: readonly Flow[], places: ReadonlyMap<string, string>): void =>
  keep(byId('map-rows', HTMLElement), flows, {
    keyOf: ({ from, to }) => `${from} ${to}`,
    make: ({ from, to }) => {
      const href = places.get(to);
      return element(
        'tr',
        {},
        element('th', { scope: 'row' }, from),
        element('td', {}, href === undefined ? to : element('a', { href }, to)),
        element('td', { class: 'number' }),
        element('td', { class: 'number' }),
      );
    },
    update: (target, flow) => {
      const [, , rate, failing] = target.children;
      if (rate === undefined || failing === undefined) return;
      setText(rate, figure(flow.rate));
      setText(failing, flow.rate === 0 ? '–' : percent(flow.failedRate / flow.rate));
      setAttributes(failing, { 'data-level': levelOf(flow) === 'well' ? undefined : 'bad' });
    },
  });
