import type { EndpointWeight } from '../model/objects.ts';
import { matchesWildcard } from './wildcard.ts';

/** Index of the earlier entry that matches all that this one can match, so that this one never counts; -1: there is none. */
export const shadowOf = (entries: readonly EndpointWeight[], index: number): number => {
  const entry = entries[index];
  return entry === undefined ? -1 : entries.slice(0, index).findIndex((earlier) => covers(earlier, entry));
};

/** A text with `*` in it is covered by a pattern that matches it letter by letter, its `*` by one of the pattern. */
const covers = (earlier: EndpointWeight, { pod, node, zone, labels }: EndpointWeight): boolean =>
  (earlier.pod === undefined || (pod !== undefined && matchesWildcard(pod, earlier.pod))) &&
  (earlier.node === undefined || earlier.node === node) &&
  (earlier.zone === undefined || earlier.zone === zone) &&
  Object.entries(earlier.labels ?? {}).every(([key, value]) => labels?.[key] === value);
