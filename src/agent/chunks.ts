import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Change } from '../core/plan/plan.ts';

/** Ports, groups and endpoints planned and applied at a time: some milliseconds, after which the event loop gets its turn. */
const CHUNK_RECORDS = 500;

/** Changes in pieces of about so much work; each is made only when it is asked for. */
export function* inChunks(changes: Iterable<Change>): Generator<readonly Change[]> {
  let chunk: Change[] = [];
  let records = 0;
  for (const change of changes) {
    chunk.push(change);
    records += recordsOf(change);
    if (records < CHUNK_RECORDS) continue;
    yield chunk;
    chunk = [];
    records = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Lists that groups share are planned once: those of clients mostly are. */
const recordsOf = ({ want }: Change): number => {
  const [only] = want?.groups ?? [];
  if (only?.arms === undefined && want?.groups.length === 1) return 2 + (only?.endpoints.length ?? 0);
  const lists = new Set<readonly unknown[]>();
  for (const { endpoints, arms = [] } of want?.groups ?? []) {
    for (const list of [endpoints, ...arms.map((arm) => arm.endpoints)]) lists.add(list);
  }
  const groups = want?.groups.length ?? 0;
  return 1 + groups + [...lists].reduce((sum, list) => sum + list.length, 0);
};

/** Lets the event loop have a turn at each pause. */
export const withTurns = async <T>(work: Generator<undefined, T>): Promise<T> => {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await nextTurn();
  }
};

/** One after another, with a turn of the event loop after each `count` of them. */
export async function* inTurns<T>(items: Iterable<T>, count: number): AsyncGenerator<T> {
  let taken = 0;
  for (const item of items) {
    yield item;
    if (++taken % count === 0) await nextTurn();
  }
}
