import { listItems } from '../../core/desire/read.ts';
import { isFields } from '../../core/desire/read-field.ts';
import { asItemOf, countLines, flatten, type Piece, SyntaxProblem } from './piece.ts';
import { linesOf } from './yaml.ts';

/**
 * The objects of a JSON file. A list is cut into the texts of its items first, and these are parsed one at a time: the
 * largest exports are single lists, and parsed whole they would take many times their size in memory.
 */
export function* readJson(text: string): Generator<Piece> {
  const lineAt = countLines(text);
  const list = cutList(text);
  if (list === undefined) {
    yield* flatten(pieceAt(text, 0, text.length, lineAt, (value) => value));
    return;
  }
  for (const { start, end } of list.items) {
    yield* flatten(pieceAt(text, start, end, lineAt, (value) => asItemOf(list.head, value)));
  }
}

const pieceAt = (
  text: string,
  start: number,
  end: number,
  lineAt: (offset: number) => number,
  complete: (value: unknown) => unknown,
): Piece => {
  const json = text.slice(start, end);
  const firstLine = lineAt(start);
  const line = lineAt(skipSpace(text, start));
  const value = complete(parse(json, (position) => lineAt(start + position)));
  return { value, line, lineOf: linesOf({ text: json, line: firstLine }) };
};

const parse = (json: string, lineAt: (position: number) => number): unknown => {
  try {
    return JSON.parse(json);
  } catch (error) {
    const { message } = error as SyntaxError;
    const position = /at position (\d+)/.exec(message)?.[1];
    const line = lineAt(position === undefined ? json.length : Number(position));
    throw new SyntaxProblem(`not JSON: ${message.replace(/ in JSON at position.*$/, '')}`, line, { cause: error });
  }
};

interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The head of a list (all but its items) and the spans of its items; undefined when the text is no list or anything
 * about it is unusual: then the whole is parsed, which also finds the exact error.
 */
const cutList = (text: string): { readonly head: object; readonly items: readonly Span[] } | undefined => {
  let at = skipSpace(text, 0);
  if (text[at] !== '{') {
    return undefined;
  }
  let list: { readonly span: Span; readonly items: readonly Span[] } | undefined;
  do {
    const key = skipSpace(text, at + 1);
    const colon = text[key] === '"' ? skipSpace(text, endOfString(text, key)) : -1;
    if (text[colon] !== ':') {
      return undefined;
    }
    const start = skipSpace(text, colon + 1);
    const isItems = text.slice(key, colon).trimEnd() === '"items"' && text[start] === '[';
    const items = isItems ? cutArray(text, start) : undefined;
    if (isItems && (items === undefined || list !== undefined)) {
      return undefined;
    }
    const end = items?.end ?? endOfValue(text, start);
    list = items === undefined ? list : { span: { start, end }, items: items.items };
    at = skipSpace(text, end);
  } while (text[at] === ',');
  if (list === undefined || text[at] !== '}' || skipSpace(text, at + 1) !== text.length) {
    return undefined;
  }
  const head = parseHead(`${text.slice(0, list.span.start)}[]${text.slice(list.span.end)}`);
  return head === undefined ? undefined : { head, items: list.items };
};

const parseHead = (json: string): object | undefined => {
  try {
    const head: unknown = JSON.parse(json);
    return isFields(head) && listItems(head) !== undefined ? head : undefined;
  } catch {
    return undefined;
  }
};

const cutArray = (
  text: string,
  start: number,
): { readonly items: readonly Span[]; readonly end: number } | undefined => {
  const items: Span[] = [];
  let at = skipSpace(text, start + 1);
  if (text[at] === ']') {
    return { items, end: at + 1 };
  }
  for (;;) {
    const end = endOfValue(text, at);
    items.push({ start: at, end });
    const next = skipSpace(text, end);
    if (text[next] === ']') {
      return { items, end: next + 1 };
    }
    if (text[next] !== ',') {
      return undefined;
    }
    at = skipSpace(text, next + 1);
  }
};

/** Behind the value at `start`; somewhere behind `start` when it is none, which `JSON.parse` then finds out. */
const endOfValue = (text: string, start: number): number => {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at) - 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (depth === 0) {
          return at;
        }
        depth--;
        break;
      case COMMA:
        if (depth === 0) {
          return at;
        }
        continue;
      default:
        continue;
    }
    if (depth === 0) {
      return at + 1;
    }
  }
  return text.length;
};

const endOfString = (text: string, start: number): number => {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) {
      backslashes++;
    }
    if (backslashes % 2 === 0) {
      return end + 1;
    }
  }
  return text.length;
};

const skipSpace = (text: string, start: number): number => {
  let at = start;
  while (SPACES.includes(text.charCodeAt(at))) {
    at++;
  }
  return at;
};

const SPACES: readonly number[] = [0x20, 0x0a, 0x0d, 0x09];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
