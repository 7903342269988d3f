import type { Have } from '../core/plan/have.ts';

interface Owners {
  readonly revision: number;
  readonly ids: ReadonlyMap<number, string>;
}

/** Ids of Service ports by the index of their record. Kept for as long as the tables hold the same. */
export const recordOwners = (have: Have): ReadonlyMap<number, string> => {
  const known = KNOWN.get(have);
  if (known?.revision === have.revision) return known.ids;
  const ids = new Map(Array.from(have.ports, ([id, { service }]) => [service, id]));
  KNOWN.set(have, { revision: have.revision, ids });
  return ids;
};

const KNOWN = new WeakMap<Have, Owners>();
