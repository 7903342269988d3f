/** Who talks to whom, drawn: workloads on the left, Services on the right, and a band for each pair. */

export interface Flow {
  readonly from: string;
  readonly to: string;
  /** Connections a second, refused ones too. */
  readonly rate: number;
  /** Of these, those that came to nothing. */
  readonly failedRate: number;
}

export interface FlowMap {
  readonly height: number;
  /** Where bands begin and end. */
  readonly left: number;
  readonly right: number;
  readonly sources: readonly Node[];
  readonly targets: readonly Node[];
  readonly bands: readonly Band[];
}

export interface Node {
  readonly name: string;
  readonly y: number;
  readonly height: number;
}

export interface Band extends Flow {
  readonly path: string;
  readonly width: number;
  readonly level: Level;
  /** It says how much fails: there is room. */
  readonly isLabelled: boolean;
  /** Where it says so. */
  readonly middle: { readonly x: number; readonly y: number };
}

export type Level = 'well' | 'some' | 'many';

/** Of workloads, and of Services; the rest is one. */
const NODES_MAX = 12;
export const REST = 'others';
const WIDTH_MAX = 16;
const WIDTH_MIN = 1.5;
const GAP = 2;
/** Two lines of text. */
const NODE_MIN = 34;
const NODE_GAP = 10;
/** Of what a band says. */
const TEXT_HEIGHT = 14;
const LABEL_SHARE = 0.34;
const LABEL_MAX = 220;

export const flowMap = (flows: readonly Flow[], width: number): FlowMap => {
  const bounded = bound(flows);
  const highest = Math.max(0, ...bounded.map(({ rate }) => rate));
  const label = Math.min(LABEL_MAX, width * LABEL_SHARE);
  const [left, right] = [Math.round(label), Math.round(width - label)];
  const sized = bounded.map((flow) => ({ ...flow, width: thickness(flow.rate, highest) }));
  const columns = [columnOf(sized, 'from'), columnOf(sized, 'to')] as const;
  const height = Math.max(...columns.map((column) => column.height));
  const [sources, targets] = columns.map(({ nodes, height: own }) =>
    nodes.map((node) => ({ ...node, y: node.y + (height - own) / 2 })),
  ) as [Node[], Node[]];
  return { height, left, right, sources, targets, bands: labelled(bandsOf(sized, sources, targets, left, right)) };
};

/** A twentieth is much. */
export const levelOf = ({ rate, failedRate }: Pick<Flow, 'rate' | 'failedRate'>): Level => {
  if (failedRate <= 0 || rate <= 0) return 'well';
  return failedRate / rate >= 0.05 ? 'many' : 'some';
};

interface Sized extends Flow {
  readonly width: number;
}

/** Those with least to do become one, on each side. */
const bound = (flows: readonly Flow[]): readonly Flow[] => {
  const [froms, tos] = [busiest(flows, 'from'), busiest(flows, 'to')];
  const merged = new Map<string, Flow>();
  for (const flow of flows) {
    const from = froms.has(flow.from) ? flow.from : REST;
    const to = tos.has(flow.to) ? flow.to : REST;
    const known = merged.get(`${from}\n${to}`);
    const rate = flow.rate + (known?.rate ?? 0);
    merged.set(`${from}\n${to}`, { from, to, rate, failedRate: flow.failedRate + (known?.failedRate ?? 0) });
  }
  return [...merged.values()].sort((a, b) => byName(a.from, b.from) || byName(a.to, b.to));
};

const busiest = (flows: readonly Flow[], side: 'from' | 'to'): ReadonlySet<string> => {
  const rates = new Map<string, number>();
  for (const flow of flows) rates.set(flow[side], (rates.get(flow[side]) ?? 0) + flow.rate);
  const names = [...rates].sort((a, b) => b[1] - a[1] || byName(a[0], b[0])).map(([name]) => name);
  return new Set(names.slice(0, names.length > NODES_MAX ? NODES_MAX - 1 : NODES_MAX));
};

/** By name, so that nothing changes places while somebody looks. */
const byName = (a: string, b: string): number =>
  Number(a === REST) - Number(b === REST) || (a < b ? -1 : Number(a > b));

/** By its root: what is a hundred times as much must not hide all else. */
const thickness = (rate: number, highest: number): number =>
  highest === 0 ? WIDTH_MIN : Math.max(WIDTH_MIN, WIDTH_MAX * Math.sqrt(rate / highest));

const columnOf = (
  flows: readonly Sized[],
  side: 'from' | 'to',
): { readonly nodes: readonly Node[]; readonly height: number } => {
  const nodes: Node[] = [];
  let y = 0;
  for (const [name, own] of [...Map.groupBy(flows, (flow) => flow[side])].sort((a, b) => byName(a[0], b[0]))) {
    const height = Math.max(NODE_MIN, stackOf(own));
    nodes.push({ name, y, height });
    y += height + NODE_GAP;
  }
  return { nodes, height: Math.max(0, y - NODE_GAP) };
};

const stackOf = (flows: readonly Sized[]): number =>
  flows.reduce((sum, { width }) => sum + width, 0) + GAP * Math.max(0, flows.length - 1);

const bandsOf = (
  flows: readonly Sized[],
  sources: readonly Node[],
  targets: readonly Node[],
  left: number,
  right: number,
): readonly Unlabelled[] => {
  const starts = startsOf(flows, sources, 'from');
  const ends = startsOf(flows, targets, 'to');
  const middle = (left + right) / 2;
  return flows.map((flow, index) => {
    const from = starts[index] ?? 0;
    const to = ends[index] ?? 0;
    const path = `M${left} ${round(from)}C${middle} ${round(from)} ${middle} ${round(to)} ${right} ${round(to)}`;
    return { ...flow, path, level: levelOf(flow), middle: { x: middle, y: round((from + to) / 2) } };
  });
};

type Unlabelled = Omit<Band, 'isLabelled'>;

/** What cannot be read is not said. The same for what is not twice as much, so that it does not jump. */
const labelled = (bands: readonly Unlabelled[]): readonly Band[] => {
  const rankOf = ({ failedRate }: Flow): number => Math.floor(Math.log2(failedRate));
  const failing = bands.filter(({ level }) => level !== 'well').sort((a, b) => rankOf(b) - rankOf(a));
  const said: Unlabelled[] = [];
  for (const band of failing)
    if (said.every(({ middle }) => Math.abs(middle.y - band.middle.y) >= TEXT_HEIGHT)) said.push(band);
  return bands.map((band) => ({ ...band, isLabelled: said.includes(band) }));
};

/** The middle of each band at its node, in the order of the flows. */
const startsOf = (flows: readonly Sized[], nodes: readonly Node[], side: 'from' | 'to'): readonly number[] => {
  const next = new Map(
    nodes.map(({ name, y, height }) => {
      const own = flows.filter((flow) => flow[side] === name);
      return [name, y + (height - stackOf(own)) / 2];
    }),
  );
  return flows.map((flow) => {
    const at = next.get(flow[side]) ?? 0;
    next.set(flow[side], at + flow.width + GAP);
    return at + flow.width / 2;
  });
};

const round = (value: number): number => Math.round(value * 10) / 10;

/** As much of a text as there is room for, by the usual width of a letter. */
export const fitting = (text: string, room: number, letter: number): string => {
  if (fits(text, room, letter)) return text;
  return `${text.slice(0, Math.max(0, Math.floor(room / letter) - 1))}…`;
};

export const fits = (text: string, room: number, letter: number): boolean => text.length * letter <= room;
