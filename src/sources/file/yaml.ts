import { createRequire } from 'node:module';
import type { Document, Node } from 'yaml';
import { listItems } from '../../core/desire/read.ts';
import { isFields } from '../../core/desire/read-field.ts';
import { asItemOf, flatten, type Piece, SyntaxProblem } from './piece.ts';

/**
 * The objects of a YAML file. A syntax tree takes about a hundred times its text in memory, so the file is cut first:
 * at document markers, which YAML allows at no other place, and a list of the shape that kubectl writes into its items.
 */
export function* readYaml(text: string): Generator<Piece> {
  for (const chunk of cutDocuments(text)) {
    yield* readItems(chunk) ?? readWhole(chunk);
  }
}

/** Finds the lines of fields in a text of one document; parses it when it is asked for the first time. */
export const linesOf = (chunk: Chunk): Piece['lineOf'] => {
  let composed: Composed | undefined;
  return (path) => {
    composed ??= first(compose(chunk));
    return composed === undefined ? chunk.line : composed.lineAt(offsetOf(composed.document.contents, path));
  };
};

/** Part of a file, which begins at that line. */
export interface Chunk {
  readonly text: string;
  readonly line: number;
}

function* cutDocuments(text: string): Generator<Chunk> {
  if (/^%/m.test(text)) {
    // Directives (%YAML) stand before the marker of their document.
    yield { text, line: 1 };
    return;
  }
  let line = 1;
  let start = 0;
  for (const { index } of text.matchAll(/^---(?=\s|$)/gm)) {
    const chunk = { text: text.slice(start, index), line };
    yield chunk;
    line += countNewlines(chunk.text);
    start = index;
  }
  yield { text: text.slice(start), line };
}

function* readWhole(chunk: Chunk): Generator<Piece> {
  for (const composed of compose(chunk)) {
    yield* flatten(pieceOf(composed));
  }
}

/** The items of a list, one at a time; undefined when the chunk is no list, or not in block style. */
const readItems = (chunk: Chunk): Generator<Piece> | undefined => {
  const cut = cutItems(chunk);
  if (cut === undefined) {
    return undefined;
  }
  const head = headOf(cut.rest);
  return head === undefined ? undefined : composeItems(head, cut.items);
};

function* composeItems(head: object, items: readonly Chunk[]): Generator<Piece> {
  for (const item of items) {
    for (const composed of compose(item)) {
      const piece = pieceOf(composed);
      yield* flatten({ ...piece, value: asItemOf(head, piece.value) });
    }
  }
}

const headOf = (rest: Chunk): object | undefined => {
  try {
    const [composed, ...others] = compose(rest);
    const head = composed === undefined ? undefined : plainValue(composed);
    return isFields(head) && listItems(head) !== undefined && others.length === 0 ? head : undefined;
  } catch (error) {
    if (error instanceof SyntaxProblem) {
      return undefined;
    }
    throw error;
  }
};

/**
 * Cuts `items:` at the margin into the texts of its items. Whatever belongs to an item is indented deeper than its dash,
 * block scalars included. An anchor may be used in a later item, so a chunk that has one is not cut.
 */
const cutItems = (chunk: Chunk): { readonly rest: Chunk; readonly items: readonly Chunk[] } | undefined => {
  const { text } = chunk;
  const key = /^items:[ \t]*\r?\n/m.exec(text);
  if (key === null || /(?:^|[\s,[{])&[^\s&]/m.test(text)) {
    return undefined;
  }
  const itemsStart = key.index + key[0].length;
  const indent = /^(?:[ \t]*(?:#.*)?\r?\n)*( *)-(?=\s|$)/.exec(text.slice(itemsStart))?.[1]?.length;
  if (indent === undefined) {
    return undefined;
  }
  const items: Chunk[] = [];
  let line = chunk.line + countNewlines(text.slice(0, itemsStart));
  let itemLine = line;
  let itemStart = -1;
  let at = itemsStart;
  const close = (end: number): void => {
    if (itemStart >= 0) {
      const dash = itemStart + indent;
      items.push({ text: `${text.slice(itemStart, dash)} ${text.slice(dash + 1, end)}`, line: itemLine });
    }
  };
  while (at < text.length) {
    const kind = lineKind(text, at, indent);
    if (kind === 'end') {
      break;
    }
    if (kind === 'item') {
      close(at);
      itemStart = at;
      itemLine = line;
    }
    const newline = text.indexOf('\n', at);
    at = newline < 0 ? text.length : newline + 1;
    line++;
  }
  close(at);
  return { rest: { text: `${text.slice(0, key.index)}items: []\n${text.slice(at)}`, line: chunk.line }, items };
};

const lineKind = (text: string, start: number, indent: number): 'item' | 'inside' | 'end' => {
  let at = start;
  while (text[at] === ' ') {
    at++;
  }
  const depth = at - start;
  const first = text[at];
  if (first === undefined || first === '\n' || first === '\r' || first === '#' || depth > indent) {
    return 'inside';
  }
  const next = text[at + 1];
  const isDash = first === '-' && (next === undefined || next === ' ' || next === '\n' || next === '\r');
  return isDash && depth === indent ? 'item' : 'end';
};

interface Composed {
  readonly document: Document.Parsed;
  /** 1-based line of the file. */
  readonly lineAt: (offset: number) => number;
}

function* compose(chunk: Chunk): Generator<Composed> {
  const { Composer, LineCounter, Parser } = yaml();
  const counter = new LineCounter();
  const lineAt = (offset: number): number => counter.linePos(offset).line + chunk.line - 1;
  const composer = new Composer(OPTIONS);
  for (const document of composer.compose(new Parser(counter.addNewLine).parse(chunk.text))) {
    const error = document.errors[0];
    if (error !== undefined) {
      throw new SyntaxProblem(`not YAML: ${error.message}`, lineAt(error.pos[0]), { cause: error });
    }
    if (!isEmpty(document)) {
      yield { document: document as Document.Parsed, lineAt };
    }
  }
}

const pieceOf = (composed: Composed): Piece => {
  const { document, lineAt } = composed;
  const lineOf = (path: readonly string[]): number => lineAt(offsetOf(document.contents, path));
  return { value: plainValue(composed), line: lineOf([]), lineOf };
};

/**
 * Copied by way of JSON: the parser's strings are slices that would keep the text of the whole file in memory. Aliases
 * may make a value at most `maxAliasCount` times larger, so that a few lines cannot fill it either.
 */
const plainValue = ({ document, lineAt }: Composed): unknown => {
  try {
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: ALIASES_MAX })));
  } catch (error) {
    throw new SyntaxProblem(`not YAML: ${(error as Error).message}`, lineAt(document.range[0]), { cause: error });
  }
};

/** Only comments, or nothing. */
const isEmpty = (document: { readonly contents: unknown }): boolean =>
  document.contents === null || (yaml().isScalar(document.contents) && document.contents.value === null);

const offsetOf = (contents: Node | null, path: readonly string[]): number => {
  const { isMap, isScalar, isSeq } = yaml();
  let node: unknown = contents;
  let offset = contents?.range?.[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((candidate) => isScalar(candidate.key) && String(candidate.key.value) === key);
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset;
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else {
      break;
    }
  }
  return offset;
};

const first = <Value>(values: Iterable<Value>): Value | undefined => {
  for (const value of values) {
    return value;
  }
  return undefined;
};

const countNewlines = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    count++;
  }
  return count;
};

type Yaml = typeof import('yaml');

let loaded: Yaml | undefined;

/** Loaded for the first YAML file, or the first complaint about a JSON file: it takes 14 MB. */
const yaml = (): Yaml => {
  loaded ??= createRequire(import.meta.url)('yaml') as Yaml;
  return loaded;
};

const ALIASES_MAX = 100;

/** The core schema knows what JSON knows: no value becomes a Date. Merge keys are as common in manifests as anchors. */
const OPTIONS = { schema: 'core', merge: true, prettyErrors: false } as const;
