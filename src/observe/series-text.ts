import type { Metric } from './registry/metric.ts';

/** Pieces of the Prometheus text format. */

export const headText = ({ name, type, help }: Metric): string =>
  `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;

/** A metric with one label at most. */
export const familyText = (metric: Metric, values: readonly (readonly [label: string, value: number])[]): string => {
  const [name] = metric.labels;
  const lines = values.map(([label, value]) => {
    const labels = name === undefined ? '' : `{${labelText([[name, label]])}}`;
    return `${metric.name}${labels} ${numberText(value)}\n`;
  });
  return headText(metric) + lines.join('');
};

export const numberText = (value: number): string => {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
};

export type Labels = readonly (readonly [name: string, value: string])[];

/** `a="1",b="2"`, without braces. */
export const labelText = (labels: Labels): string =>
  labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',');

export const escapeLabel = (value: string): string =>
  ODD_IN_LABEL.test(value) ? value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`)) : value;

const ODD_IN_LABEL = /[\\"\n]/;

const escapeHelp = (help: string): string => help.replace(/[\\\n]/g, (found) => (found === '\n' ? '\\n' : '\\\\'));

/** Of Service ports there are ten thousands, so without a list in between. */
export const serviceLabels = (asked: {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly protocol: string;
}): string =>
  `namespace="${escapeLabel(asked.namespace)}",service="${escapeLabel(asked.service)}",port="${asked.port}",protocol="${asked.protocol}"`;

/** What stands before and after the labels of a series. */
export interface Affixes {
  readonly start: string;
  readonly end: string;
}

export const affixes = ({ name }: Metric, suffix = '', extra = ''): Affixes => ({
  start: `${name}${suffix}{`,
  end: `${extra}} `,
});

/** What is made in a row: some hundred lines. */
const TEXT_LENGTH = 16 * 1024;

/**
 * A line for each, made from strings, which is what costs least without an optimizing compiler; few of them are ever in
 * memory.
 */
export function* linesOf<Item extends { readonly labels: string }>(
  { start, end }: Affixes,
  items: Iterable<Item>,
  read: (item: Item) => number,
): Generator<string> {
  let text = '';
  for (const item of items) {
    text += `${start}${item.labels}${end}${read(item)}\n`;
    if (text.length < TEXT_LENGTH) continue;
    yield text;
    text = '';
  }
  yield text;
}

/** A line with 0 for each of these labels. */
export function* zerosOf({ start, end }: Affixes, labels: readonly string[]): Generator<string> {
  for (let from = 0; from < labels.length; from += ZEROS)
    yield `${start}${labels.slice(from, from + ZEROS).join(`${end}0\n${start}`)}${end}0\n`;
}

const ZEROS = 250;

/** Texts put together to what is worth sending; an empty one asks for a turn of the event loop. */
export function* inPieces(texts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const text of texts) {
    piece += text;
    if (text !== '' && piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** A millisecond or two of work. */
const PIECE_LENGTH = 128 * 1024;
