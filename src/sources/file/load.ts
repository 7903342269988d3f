import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { readObject } from '../../core/desire/read.ts';
import { pathKeys } from '../../core/desire/read-field.ts';
import { flat } from '../../core/model/flat.ts';
import { createIntern, type Intern } from '../../core/model/intern.ts';
import type { ClusterObject, Complaint, ObjectRef } from '../../core/model/objects.ts';
import { createPlaces, type PlaceOf, packSlice } from '../../core/model/packed-slice.ts';
import { readJson } from './json.ts';
import { type Piece, SyntaxProblem } from './piece.ts';
import { readYaml } from './yaml.ts';

/** One object of a file: what it asks for, as its file says now. */
export interface Entry {
  readonly file: string;
  readonly line: number;
  readonly ref: ObjectRef;
  /** `nothing`: right, but nothing to program. `invalid`: its last good state stays in force. */
  readonly state: ClusterObject | 'nothing' | 'invalid';
  /** Of an invalid one that has no good state: what holds of it all the same. */
  readonly standIn?: ClusterObject;
}

export interface FileContent {
  readonly entries: readonly Entry[];
  readonly complaints: readonly Complaint[];
  /** Something in it is wrong, and nobody knows which object that was to be. */
  readonly nameless: boolean;
}

/**
 * `unreadable`: nothing can be told about the objects in it; `passing` when that may change although the file does not, as
 * when the machine is short of something. `gone`: there is no such file any more.
 */
export type FileLoad =
  | { readonly outcome: 'content'; readonly content: FileContent }
  | { readonly outcome: 'unreadable'; readonly complaint: Complaint; readonly passing: boolean }
  | { readonly outcome: 'empty' | 'gone' };

export interface LoadContext {
  readonly intern: Intern;
  readonly placeOf: PlaceOf;
  /** Something to wait for when it is time to let other work go on. */
  readonly pause: () => Promise<void> | undefined;
}

/** Reads one file of about that size and keeps nothing of its text. */
export const loadFile = async (file: string, size: number, context: LoadContext): Promise<FileLoad> => {
  try {
    if (size > FILE_BYTES_MAX) {
      return unreadable(file, 1, `has ${size} bytes, more than ${FILE_BYTES_MAX}; split it into several files`);
    }
    const text = await readText(file, size);
    return text === '' ? { outcome: 'empty' } : { outcome: 'content', content: await parseText(file, text, context) };
  } catch (error) {
    if (error instanceof SyntaxProblem) {
      return unreadable(file, error.line, error.message);
    }
    if (isErrno(error)) {
      return error.code === 'ENOENT' ? { outcome: 'gone' } : unreadable(file, 1, `cannot be read: ${error.code}`, true);
    }
    if (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      return unreadable(file, 1, 'is not UTF-8 text');
    }
    throw error;
  }
};

/** Loading in turns, so that a large change never keeps the agent from its other work for long. */
export const createLoadContext = (): LoadContext => {
  let turnStartedMs = performance.now();
  const nextTurn = async (): Promise<void> => {
    await setImmediate();
    turnStartedMs = performance.now();
  };
  return {
    intern: createIntern(),
    placeOf: createPlaces(),
    pause: () => (performance.now() - turnStartedMs > TURN_MS ? nextTurn() : undefined),
  };
};

export const isErrno = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && 'syscall' in error;

/** A function of its own so that the bytes are gone when the text is parsed. */
const readText = async (file: string, size: number): Promise<string> => {
  // Ways through the thread pool take longer than the reading of a small file: 9 s against 2 s for 20,000 of them.
  const bytes = size <= SMALL_BYTES_MAX ? readFileSync(file) : await readFile(file);
  return decoder.decode(bytes);
};

const parseText = async (file: string, text: string, { intern, placeOf, pause }: LoadContext): Promise<FileContent> => {
  const reading: Reading = {
    file,
    intern,
    placeOf,
    entries: new Map(),
    complaints: [],
    nameless: false,
    unused: new Map(),
  };
  for (const piece of file.endsWith('.json') ? readJson(text) : readYaml(text)) {
    take(reading, piece);
    const rest = pause();
    if (rest !== undefined) {
      await rest;
    }
  }
  const { entries, complaints, nameless } = reading;
  return { entries: [...entries.values()], complaints: [...complaints, ...aboutUnused(reading)], nameless };
};

interface Reading {
  readonly file: string;
  readonly intern: Intern;
  readonly placeOf: PlaceOf;
  readonly entries: Map<string, Entry>;
  readonly complaints: Complaint[];
  nameless: boolean;
  /** Kinds that Shunt does not use: how many objects, and where the first stands. */
  readonly unused: Map<string, { count: number; readonly line: number; readonly meant: string | undefined }>;
}

const take = (reading: Reading, piece: Piece): void => {
  const { file, intern, placeOf, entries, complaints, unused } = reading;
  const { line } = piece;
  const read = readObject(piece.value, intern);
  if (read.outcome === 'unused') {
    const known = unused.get(read.kind);
    unused.set(read.kind, { count: (known?.count ?? 0) + 1, line: known?.line ?? line, meant: read.meant });
    return;
  }
  for (const complaint of read.complaints) {
    complaints.push({ ...complaint, origin: { file, line: piece.lineOf(pathKeys(complaint.path)) } });
  }
  const object = read.outcome === 'object' ? asKept(read.object, placeOf) : undefined;
  const ref = read.outcome === 'object' ? object : read.ref;
  if (ref === undefined) {
    reading.nameless = true;
    return;
  }
  const key = keyOf(ref);
  const earlier = entries.get(key);
  if (earlier !== undefined) {
    complaints.push(aboutSecond(earlier, { file, line, ref }));
    return;
  }
  const state = object ?? (read.outcome === 'nothing' ? 'nothing' : 'invalid');
  const standIn = read.outcome === 'rejected' ? read.standIn : undefined;
  entries.set(key, { file, line, ref, state, ...(standIn === undefined ? {} : { standIn }) });
};

const asKept = (object: ClusterObject, placeOf: PlaceOf): ClusterObject =>
  object.kind === 'EndpointSlice' ? packSlice(object, placeOf) : object;

/** `Service shop/cart`: names an object in messages and in tables. */
export const keyOf = ({ kind, namespace, name }: ObjectRef): string => flat(' ', kind, flat('/', namespace, name));

/** The same object twice. */
export const aboutSecond = (first: Entry, second: Pick<Entry, 'file' | 'line' | 'ref'>): Complaint => ({
  severity: 'error',
  object: keyOf(second.ref),
  path: '',
  message: `is already in ${first.file}:${first.line}; this one is not used`,
  origin: { file: second.file, line: second.line },
});

const aboutUnused = ({ file, unused }: Reading): readonly Complaint[] =>
  Array.from(unused, ([kind, { count, line, meant }]) => ({
    severity: meant === undefined ? 'note' : 'warning',
    object: kind,
    path: '',
    message: `${count === 1 ? 'one object' : `${count} objects`} of this kind left alone${meant === undefined ? '' : `: is ${meant} meant?`}`,
    origin: { file, line },
  }));

const unreadable = (file: string, line: number, message: string, passing = false): FileLoad => ({
  outcome: 'unreadable',
  passing,
  complaint: { severity: 'error', object: file, path: '', message, origin: { file, line } },
});

/** Without a byte order mark, which it drops. */
const decoder = new TextDecoder('utf-8', { fatal: true });

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const SMALL_BYTES_MAX = 64 * 1024;
const TURN_MS = 20;
