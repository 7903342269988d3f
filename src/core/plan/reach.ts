import { ALIAS, BACKEND, SLOT_WORDS } from './alias.ts';
import { armsOf, HEADER_SLOTS, lengthOf, lookupOf, type RangeAt } from './range.ts';
import type { Range } from './ranges.ts';
import type { TableReader } from './transaction.ts';

/** Indexes and ranges that programs may come to. */
export interface Reach {
  readonly slots: readonly Range[];
  readonly backends: ReadonlySet<number>;
  /** Records of the port and of its arms. */
  readonly services: ReadonlySet<number>;
}

/** What somebody who begins here may read, whatever is written there: what lies outside of the tables nobody reads. */
export const reachOf = (tables: TableReader, from: RangeAt & { readonly service: number }): Reach => {
  const slots: Range[] = [];
  const backends = new Set<number>();
  const services = new Set([from.service]);
  const follow = (at: RangeAt): void => {
    const { slotBase: base, slotCount } = at;
    const room = tables.capacity.slots - base;
    if (slotCount === 0 || room <= 0) return;
    const count = Math.min(lengthOf(tables, at), room);
    const words = tables.slots(base, count);
    slots.push({ base, count });
    if (at.arms) {
      for (const arm of armsOf(words, slotCount)) {
        services.add(arm.service);
        follow(arm);
      }
      return;
    }
    for (const index of backendsOf(words, Math.min(slotCount, count - HEADER_SLOTS))) backends.add(index);
    for (const index of lookupOf(words, slotCount)) backends.add(index);
  };
  follow(from);
  return { slots, backends, services };
};

function* backendsOf(words: Uint32Array, columns: number): Generator<number> {
  for (let column = 0; column < columns; column++) {
    const at = (HEADER_SLOTS + column) * SLOT_WORDS;
    yield words[at + BACKEND] as number;
    yield words[at + ALIAS] as number;
  }
}
