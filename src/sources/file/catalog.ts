import type { ClusterObject, Complaint, ObjectRef, Origin } from '../../core/model/objects.ts';
import type { ClusterEvent } from '../source.ts';
import { aboutSecond, type Entry, type FileContent, keyOf } from './load.ts';

/** What all files say together, and what of it was told. */
export interface Catalog {
  /** Grows when something about `complaints` may have changed. */
  readonly revision: number;
  /** The file says this now. */
  set(file: string, content: FileContent): void;
  /** The file cannot be read: what it said before stays in force, and its one complaint is this. */
  keep(file: string, complaint: Complaint): void;
  delete(file: string): void;
  /** Whether the file could be read at least once. */
  has(file: string): boolean;
  /** How many objects the file has. */
  count(file: string): number;
  /** Whether each file and each object in it could be read at least once. To be asked after `takeEvents`. */
  isWhole(): boolean;
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
  const files = new Map<string, Pick<FileContent, 'entries' | 'nameless'>>();
  /** Of those files that have any: few, while files may be many. */
  const complaints = new Map<string, readonly Complaint[]>();
  const claims = new Map<string, Claim>();
  const contested = new Set<string>();
  const touched = new Set<string>();
  let revision = 0;

  const change = (entry: Entry, edit: (entries: readonly Entry[]) => readonly Entry[]): void => {
    const key = keyOf(entry.ref);
    const claim = claims.get(key) ?? { entries: NONE, told: undefined };
    const before = entriesOf(claim);
    const entries = edit(before);
    const [only] = entries;
    claim.entries = only !== undefined && entries.length === 1 ? only : entries;
    claims.set(key, claim);
    touched.add(key);
    if (before.length > 1 || entries.length > 1) {
      revision++;
    }
    if (entries.length > 1) {
      contested.add(key);
    } else {
      contested.delete(key);
    }
  };

  const set = (file: string, { entries: found, nameless, complaints: about }: FileContent): void => {
    const before = files.get(file)?.entries ?? NONE;
    const shared = found.map(sharing);
    const entries = nameless ? [...shared, ...unnamed(before, shared)] : shared;
    for (const entry of before) {
      change(entry, (all) => all.filter((each) => each !== entry));
    }
    for (const entry of entries) {
      change(entry, (all) => [...all, entry].sort(byFile));
    }
    files.set(file, { entries, nameless });
    complain(file, about);
  };

  /** With the object that was told in place of an equal one: most of a file that changed is as it was. */
  const sharing = (entry: Entry): Entry => {
    const told = claims.get(keyOf(entry.ref))?.told;
    const isSame = told !== undefined && typeof entry.state === 'object' && isEqual(told, entry.state);
    return isSame ? { ...entry, ref: told, state: told } : entry;
  };

  const complain = (file: string, about: readonly Complaint[]): void => {
    if (!isSaid(complaints.get(file) ?? NOTHING, about)) {
      revision++;
    }
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
    get revision() {
      return revision;
    },
    set,
    keep: (file, complaint) => complain(file, [complaint]),
    delete: (file) => {
      set(file, EMPTY);
      files.delete(file);
    },
    has: (file) => files.has(file),
    count: (file) => files.get(file)?.entries.length ?? 0,
    isWhole: () =>
      [...complaints.keys()].every((file) => files.has(file)) &&
      [...files.values()].every(({ nameless }) => !nameless) &&
      [...claims.values()].every(isKnown),
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

export const EMPTY: FileContent = { entries: [], complaints: [], nameless: false };

const NONE: readonly Entry[] = [];
const NOTHING: readonly Complaint[] = [];

const entriesOf = ({ entries }: Claim): readonly Entry[] => ('file' in entries ? [entries] : entries);

/** Any of these may be the object whose name cannot be read. */
const unnamed = (before: readonly Entry[], now: readonly Entry[]): readonly Entry[] => {
  const named = new Set(now.map(({ ref }) => keyOf(ref)));
  return before
    .filter(({ ref, state }) => state !== 'nothing' && !named.has(keyOf(ref)))
    .map((entry) => ({ ...entry, state: 'invalid' }));
};

const wantedOf = (claim: Claim): ClusterObject | undefined => {
  const { told } = claim;
  const { state, standIn } = entriesOf(claim)[0] ?? { state: 'nothing' };
  if (state === 'invalid') {
    return told === undefined || isStandIn(told) ? standIn : told;
  }
  return state === 'nothing' ? undefined : state;
};

const isStandIn = (object: ClusterObject): boolean => 'standsIn' in object;

/** What is invalid has an earlier state. */
const isKnown = (claim: Claim): boolean =>
  (claim.told !== undefined && !isStandIn(claim.told)) || entriesOf(claim)[0]?.state !== 'invalid';

/** Of one file, so these are few. */
const isSaid = (before: readonly Complaint[], now: readonly Complaint[]): boolean =>
  before.length === now.length && JSON.stringify(before) === JSON.stringify(now);

/** Both were made by the same reader: their fields stand in the same order. */
const isEqual = (a: ClusterObject, b: ClusterObject): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

const refOf = ({ kind, namespace, name }: ObjectRef): ObjectRef => ({ kind, namespace, name });

const byFile = (a: { readonly file: string }, b: { readonly file: string }): number =>
  a.file < b.file ? -1 : a.file > b.file ? 1 : 0;

const byOrigin = ({ origin: a }: Complaint, { origin: b }: Complaint): number =>
  a === undefined || b === undefined ? 0 : byFile(a, b) || a.line - b.line;
