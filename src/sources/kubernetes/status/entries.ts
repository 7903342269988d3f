import type { WantedCondition, WantedEntry, WantedStatus } from '../../../core/status/wanted.ts';
import type { Fields } from '../calls.ts';

/** Names us in lists that several controllers write into. */
export const CONTROLLER = 'shunt.dev/agent';

export interface Merge {
  /** The object with our entries as they are wanted and those of others as they were. */
  readonly object: Fields;
  /** Ours as they were and as they should be: as texts, to compare. */
  readonly before: string;
  readonly after: string;
  /**
   * What is wanted is about another state of the object: somebody of us has said something about a newer one, or there
   * is a new object of that name, whose generations begin anew.
   */
  readonly isOutdated: boolean;
}

/** Puts our entries into an object as the server has it. `now`: RFC 3339, in seconds. */
export const merge = (object: Fields, { ref, kind, entries }: WantedStatus, now: string): Merge => {
  const status = fieldsOf(object.status);
  const generation = generationOf(object);
  const there = listOf(status[kind]);
  const ours = there.filter(isOurs);
  const room = ENTRIES_MAX[kind] - (there.length - ours.length);
  const wanted = entries.slice(0, Math.max(0, room)).map((entry) => written(entry, kind, ours, now));
  return {
    object: { ...object, status: { ...status, [kind]: inPlace(there, wanted, kind) } },
    before: textOf(ours),
    after: textOf(wanted),
    isOutdated: generation < ref.generation || newest(ours, generation) > ref.generation,
  };
};

/** Ours, as the server has them. */
export const oursIn = (object: Fields, kind: WantedStatus['kind']): string =>
  textOf(listOf(fieldsOf(object.status)[kind]).filter(isOurs));

/** The definitions of the Gateway API allow no more. */
const ENTRIES_MAX = { parents: 32, ancestors: 16 } as const;

const REF = { parents: 'parentRef', ancestors: 'ancestorRef' } as const;

/** A condition that says the same as before keeps the time since when it does. */
const written = (entry: WantedEntry, kind: WantedStatus['kind'], ours: readonly Fields[], now: string): Fields => {
  const before = listOf(ours.find((each) => isSame(each[REF[kind]], entry.of))?.conditions);
  return {
    [REF[kind]]: entry.of,
    controllerName: CONTROLLER,
    conditions: entry.conditions.map((condition) => ({
      ...condition,
      lastTransitionTime: sinceWhen(before, condition) ?? now,
    })),
  };
};

const sinceWhen = (told: readonly Fields[], { type, status }: WantedCondition): unknown =>
  told.find((each) => each.type === type && each.status === status)?.lastTransitionTime;

/** Each of ours where the one for the same object was; new ones come last. */
const inPlace = (
  there: readonly Fields[],
  wanted: readonly Fields[],
  kind: WantedStatus['kind'],
): readonly Fields[] => {
  const left = [...wanted];
  const kept = there.flatMap((entry) => {
    if (!isOurs(entry)) return [entry];
    const index = left.findIndex((each) => isSame(each[REF[kind]], entry[REF[kind]]));
    return index < 0 ? [] : left.splice(index, 1);
  });
  return [...kept, ...left];
};

/** A generation that the object never had is of one before it, or made up: it says nothing. */
const newest = (entries: readonly Fields[], generation: number): number =>
  Math.max(
    0,
    ...entries
      .flatMap(({ conditions }) => listOf(conditions))
      .map(({ observedGeneration }) => (typeof observedGeneration === 'number' ? observedGeneration : 0))
      .filter((observed) => observed <= generation),
  );

const generationOf = ({ metadata }: Fields): number => {
  const { generation } = fieldsOf(metadata);
  return typeof generation === 'number' ? generation : Number.POSITIVE_INFINITY;
};

const isOurs = ({ controllerName }: Fields): boolean => controllerName === CONTROLLER;

const isSame = (a: unknown, b: unknown): boolean => textOf(a) === textOf(b);

/** The same for the same fields, in whatever order they come. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  ) ?? '';

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);
