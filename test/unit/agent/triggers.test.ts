import { expect, test } from 'vitest';
import { newTriggers } from '../../../src/agent/triggers.ts';
import { applyEvents, type ClusterEvent, createCluster } from '../../../src/core/cluster.ts';
import { service, slice } from '../../helpers/objects.ts';

const SINCE_MS = 1000;
const put = (triggeredAtMs: number, name = 'web-1'): ClusterEvent => ({
  type: 'put',
  object: slice([], { name, triggeredAtMs }),
});
const gone: ClusterEvent = { type: 'delete', ref: { kind: 'EndpointSlice', namespace: 'shop', name: 'web-1' } };

test.each<{ title: string; batches: readonly (readonly ClusterEvent[])[]; counted: readonly number[] }>([
  { title: 'a slice that changed after the start', batches: [[put(1500)]], counted: [1500] },
  { title: 'nothing of one that changed before it', batches: [[put(999)]], counted: [] },
  { title: 'nothing of one without a time', batches: [[put(0)]], counted: [] },
  {
    title: 'a time once, though the slice comes again',
    batches: [[put(1500)], [put(1500)], [put(1500)]],
    counted: [1500],
  },
  { title: 'a time once within one change', batches: [[put(1500), put(1500)]], counted: [1500] },
  {
    title: 'each time that a slice brings',
    batches: [[put(1500), put(1600)], [put(1700)]],
    counted: [1500, 1600, 1700],
  },
  {
    title: 'one time of two slices twice: each has its own change',
    batches: [[put(1500), put(1500, 'web-2')]],
    counted: [1500, 1500],
  },
  { title: 'a slice that is made anew', batches: [[put(1500)], [gone], [put(1600)]], counted: [1500, 1600] },
  { title: 'nothing of other objects', batches: [[{ type: 'put', object: service() }]], counted: [] },
])('counts $title', ({ batches, counted }) => {
  const cluster = createCluster();
  const triggers = batches.flatMap((events) => {
    const found = newTriggers(events, cluster, SINCE_MS);
    applyEvents(cluster, events);
    return found;
  });
  expect(triggers).toEqual(counted);
});
