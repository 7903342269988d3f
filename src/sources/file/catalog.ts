import type { ClusterObject, Complaint, ObjectRef, Origin } from '../../core/model/objects.ts';
import type { ClusterEvent } from '../source.ts';
import { aboutSecond, type Entry, type FileContent, keyOf } from './load.ts';

/** What all files say together, and what of it was told. */
export interface Catalog {
  /** The file says this now. */
  set(file: string, content: FileContent): void;
  /** The file cannot be read: what it said before stays in force, and its one complaint is this. */
  keep(file: string, complaint: Complaint): void;
  delete(file: string): void;
  /** How many objects the file has. */
  count(file: string): number;
  /** The events since the last call: only objects that really differ from what was told. */
  takeEvents(): readonly ClusterEvent[];
  /** About everything, in the order of files and lines. */
  complaints(): readonly Complaint[];
  /** Where the object stands that is used, named as complaints name it: `Service shop/cart`. */
  originOf(object: string): Origin | undefined;
}

/** An object that is in several files belongs to the first of them by path. */
interface Claim {
  /** The only one, which is nearly always so, or all of them in the order of their files. */
  entries: Entry | readonly Entry[];
  told: ClusterObject | undefined;
}

export const createCatalog = (): Catalog => {
  const files = new Map<string, readonly Entry[]>();
  /** Of those files that have any: few, while files may be many. */
  const complaints = new Map<string, readonly Complaint[]>();
  const claims = new Map<string, Claim>();
  const contested = new Set<string>();
  const touched = new Set<string>();

  const change = (entry: Entry, edit: (entries: readonly Entry[]) => readonly Entry[]): void => {
    const key = keyOf(entry.ref);
    const claim = claims.get(key) ?? { entries: NONE, told: undefined };
    const entries = edit(entriesOf(claim));
    const [only] = entries;
    claim.entries = only !== undefined && entries.length === 1 ? only : entries;
    claims.set(key, claim);
    touched.add(key);
    if (entries.length > 1) {
      contested.add(key);
    } else {
      contested.delete(key);
    }
  };

  const set = (file: string, content: FileContent): void => {
    for (const entry of files.get(file) ?? []) {
      change(entry, (entries) => entries.filter((each) => each !== entry));
    }
    for (const entry of content.entries) {
      change(entry, (entries) => [...entries, entry].sort(byFile));
    }
    files.set(file, content.entries);
    complain(file, content.complaints);
  };

  const complain = (file: string, about: readonly Complaint[]): void => {
    if (about.length > 0) {
      complaints.set(file, about);
    } else {
      complaints.delete(file);
    }
  };

  const settle = (key: string): ClusterEvent | undefined => {
    const claim = claims.get(key) as Claim;
    const { told } = claim;
    const wanted = wantedOf(claim);
    claim.told = wanted;
    if (entriesOf(claim).length === 0) {
      claims.delete(key);
    }
    if (wanted === undefined) {
      return told === undefined ? undefined : { type: 'delete', ref: refOf(told) };
    }
    return told !== undefined && isEqual(told, wanted) ? undefined : { type: 'put', object: wanted };
  };

  return {
    set,
    keep: (file, complaint) => complain(file, [complaint]),
    delete: (file) => {
      set(file, { entries: [], complaints: [] });
      files.delete(file);
    },
    count: (file) => files.get(file)?.length ?? 0,
    takeEvents: () => {
      const events = Array.from(touched, settle).filter((event) => event !== undefined);
      touched.clear();
      return events;
    },
    complaints: () => {
      const own = [...complaints.values()].flat();
      const seconds = Array.from(contested, (key) => entriesOf(claims.get(key) as Claim)).flatMap(
        ([first, ...others]) => others.map((second) => aboutSecond(first as Entry, second)),
      );
      return [...own, ...seconds].sort(byOrigin);
    },
    originOf: (object) => {
      const claim = claims.get(object);
      const [first] = claim === undefined ? NONE : entriesOf(claim);
      return first === undefined ? undefined : { file: first.file, line: first.line };
    },
  };
};

const NONE: readonly Entry[] = [];

const entriesOf = ({ entries }: Claim): readonly Entry[] => ('file' in entries ? [entries] : entries);

const wantedOf = (claim: Claim): ClusterObject | undefined => {
  const { told } = claim;
  const state = entriesOf(claim)[0]?.state ?? 'nothing';
  if (state === 'invalid') {
    return told;
  }
  return state === 'nothing' ? undefined : state;
};

/** Both were made by the same reader: their fields stand in the same order. */
const isEqual = (a: ClusterObject, b: ClusterObject): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

const refOf = ({ kind, namespace, name }: ObjectRef): ObjectRef => ({ kind, namespace, name });

const byFile = (a: { readonly file: string }, b: { readonly file: string }): number =>
  a.file < b.file ? -1 : a.file > b.file ? 1 : 0;

const byOrigin = ({ origin: a }: Complaint, { origin: b }: Complaint): number =>
  a === undefined || b === undefined ? 0 : byFile(a, b) || a.line - b.line;
