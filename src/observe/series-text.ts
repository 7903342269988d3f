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

/**
 * Of Service ports there are ten thousands, so without objects in between, and in one piece: strings that are added up are
 * trees of small pieces, all of which the garbage collector has to follow.
 */
export const serviceLabels = (asked: {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  readonly protocol: string;
}): string =>
  [
    'namespace="',
    escapeLabel(asked.namespace),
    '",service="',
    escapeLabel(asked.service),
    '",port="',
    asked.port,
    '",protocol="',
    asked.protocol,
    '"',
  ].join('');

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
export const TEXT_LENGTH = 16 * 1024;

/** A line for each, made from strings, which is what costs least without an optimizing compiler. */
export function* linesOf<Item extends { readonly labels: string }>(
  { start, end }: Affixes,
  items: Iterable<Item>,
  read: (item: Item) => number,
): Generator<string> {
  const zeros: string[] = [];
  let text = '';
  for (const item of items) {
    const value = read(item);
    if (value === 0) {
      zeros.push(item.labels);
      continue;
    }
    text += `${start}${item.labels}${end}${value}\n`;
    if (text.length < TEXT_LENGTH) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
  for (let from = 0; from < zeros.length; from += ZEROS)
    yield zerosText({ start, end }, zeros.slice(from, from + ZEROS).join('\n'));
}

const ZEROS = 250;

/** A line with 0 for each of these labels, all at once: most counters of most Services are 0. No label has the end of a line in it. */
export const zerosText = ({ start, end }: Affixes, labels: string): string =>
  labels === '' ? '' : `${start}${labels.replace(/\n/g, `${end}0\n${start}`)}${end}0\n`;

/**
 * Texts as bytes, in pieces that are worth sending; an empty text asks for a turn of the event loop. They lie in one buffer,
 * so a piece is good until the next one is asked for. A stream asks when it has sent all, if it was given more than it
 * holds; a smaller piece it may still hold then, and that buffer is left to it.
 */
export function* inPieces(texts: Iterable<string>): Generator<Uint8Array> {
  let buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let length = 0;
  for (const text of texts) {
    const room = text.length * BYTES_OF_CHARACTER_MAX;
    if (length + room > buffer.length && length > 0) {
      yield buffer.subarray(0, length);
      if (length < PIECE_BYTES / 2) buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
      length = 0;
    }
    if (room > buffer.length) buffer = Buffer.allocUnsafeSlow(room);
    length += buffer.write(text, length, 'utf8');
    if (text === '') yield NOTHING;
  }
  yield buffer.subarray(0, length);
}

/** Some milliseconds of work; four times what a stream holds (stream.getDefaultHighWaterMark()). */
const PIECE_BYTES = 256 * 1024;
const BYTES_OF_CHARACTER_MAX = 3;
const NOTHING = new Uint8Array(0);
