import { type Cluster, type ClusterEvent, keyOf } from '../core/cluster.ts';

/**
 * When the changes of Pods and Services happened that these events tell of, in ms since the epoch; `cluster` is as it was
 * before them. As kube-proxy counts them: a slice that changes for another reason keeps the time of its last change, and
 * one that changed before `sinceMs`, the start, says nothing about how fast this agent is.
 */
export const newTriggers = (
  events: readonly ClusterEvent[],
  { slices }: Pick<Cluster, 'slices'>,
  sinceMs: number,
): readonly number[] => {
  const triggers: number[] = [];
  const told = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'put' || event.object.kind !== 'EndpointSlice') continue;
    const { triggeredAtMs } = event.object;
    const key = keyOf(event.object);
    const before = told.get(key) ?? slices.byKey.get(key)?.triggeredAtMs;
    if (triggeredAtMs >= sinceMs && triggeredAtMs > 0 && triggeredAtMs !== before) triggers.push(triggeredAtMs);
    told.set(key, triggeredAtMs);
  }
  return triggers;
};
