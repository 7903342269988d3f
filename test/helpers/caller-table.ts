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
    addCounts: (position, sum) => {
      const { cgroup: _, service: __, serviceGeneration: ___, ...counts } = at(position);
      for (const [name, value] of Object.entries(counts)) sum[name as keyof typeof counts] += value;
    },
    entries: () => entries,
  };
};
