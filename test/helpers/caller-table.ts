import { isDeepStrictEqual } from 'node:util';
import type { CallerEntry, CallerTable } from '../../src/dataplane/dataplane.ts';

/** A table of callers with these entries. */
export const callerTableOf = (entries: readonly CallerEntry[]): CallerTable => {
  const at = (position: number): CallerEntry => entries[position] as CallerEntry;
  return {
    count: entries.length,
    cgroupNumber: (position) => Number(at(position).cgroup),
    service: (position) => at(position).service,
    generation: (position) => at(position).serviceGeneration,
    key: at,
    addCounts: (position, sum, times) => {
      const { cgroup: _, service: __, serviceGeneration: ___, ...counts } = at(position);
      for (const [name, value] of Object.entries(counts)) sum[name as keyof typeof counts] += times * value;
    },
    hasKeysOf: (other) =>
      other.count === entries.length &&
      entries.every(({ cgroup, service, serviceGeneration }, position) =>
        isDeepStrictEqual(other.key(position), { ...other.key(position), cgroup, service, serviceGeneration }),
      ),
    hasCountsOf: () => false,
    entries: () => entries,
  };
};
