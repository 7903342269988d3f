import type { Format } from '../style.ts';
import { byteFigure, figure, latencyFigure } from './figures.ts';
import type { PortRates } from './rates.ts';

/** A column of figures, and what rows are sorted by. */
export interface FigureColumn {
  readonly title: string;
  readonly width: number;
  /** Sorts by it. */
  readonly key: string;
  readonly value: (port: PortRates) => number | undefined;
  readonly text: (value: number | undefined) => string;
  /** Of a value that is not 0. */
  readonly format?: Format;
  /** Not there while no port has a value. */
  readonly isOptional?: true;
}

export type SortName = keyof typeof FIGURES | 'name';

/** In the order on the screen. */
export const FIGURES = {
  connections: { title: 'CONN/S', width: 6, key: 'c', value: (port) => port.attemptsPerS, text: figure },
  failed: { title: 'FAIL/S', width: 6, key: 'f', value: (port) => port.failedPerS, text: figure, format: 'red' },
  rejected: { title: 'REJ/S', width: 5, key: 'j', value: (port) => port.rejectedPerS, text: figure, format: 'yellow' },
  active: { title: 'ACTIVE', width: 6, key: 'a', value: (port) => port.active, text: figure },
  pending: { title: 'PEND', width: 4, key: 'p', value: (port) => port.pending, text: figure },
  p50: { title: 'P50', width: 5, key: '5', value: (port) => port.connectP50Us, text: latencyFigure },
  p99: { title: 'P99', width: 5, key: '9', value: (port) => port.connectP99Us, text: latencyFigure },
  r50: {
    title: 'RESP50',
    width: 6,
    key: 't',
    value: (port) => port.responseP50Us,
    text: latencyFigure,
    isOptional: true,
  },
  r99: {
    title: 'RESP99',
    width: 6,
    key: 'T',
    value: (port) => port.responseP99Us,
    text: latencyFigure,
    isOptional: true,
  },
  out: { title: 'OUT/S', width: 5, key: 'o', value: (port) => port.bytesSentPerS, text: byteFigure },
  in: { title: 'IN/S', width: 5, key: 'i', value: (port) => port.bytesReceivedPerS, text: byteFigure },
  datagrams: { title: 'DGRAM/S', width: 7, key: 'u', value: (port) => port.datagramsPerS, text: figure },
} as const satisfies Readonly<Record<string, FigureColumn>>;

export const SORT_NAMES: readonly SortName[] = ['name', ...(Object.keys(FIGURES) as (keyof typeof FIGURES)[])];

export const sortKey = (name: SortName): string => (name === 'name' ? 'n' : FIGURES[name].key);

/** Those that say anything of these ports. */
export const figuresFor = (ports: readonly PortRates[]): readonly [name: string, column: FigureColumn][] =>
  Object.entries<FigureColumn>(FIGURES).filter(
    ([, { value, isOptional }]) => isOptional !== true || ports.some((port) => value(port) !== undefined),
  );

/** `shop/cart:80`, `kube-system/kube-dns:53/udp`. */
export const nameOf = ({ namespace, service, port, protocol }: PortRates): string =>
  `${namespace}/${service}:${port}${protocol === 'UDP' ? '/udp' : ''}`;

/** Names from A to Z, figures from the highest; what is not known comes last either way. */
export const sorted = (ports: readonly PortRates[], sort: SortName, isReversed: boolean): readonly PortRates[] => {
  const byName = (a: PortRates, b: PortRates): number => compare(nameOf(a), nameOf(b)) || compare(a.id, b.id);
  const sign = isReversed ? -1 : 1;
  if (sort === 'name') return ports.toSorted((a, b) => sign * byName(a, b));
  const { value }: FigureColumn = FIGURES[sort];
  return ports.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === undefined || right === undefined) return known(right) - known(left) || byName(a, b);
    return sign * (right - left) || byName(a, b);
  });
};

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const known = (value: number | undefined): number => Number(value !== undefined);
