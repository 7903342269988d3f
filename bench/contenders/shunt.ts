import { performance } from 'node:perf_hooks';
import type { Contender } from '../contender.ts';
import { capacityFor, createControl, eventsOf, portionsOf } from '../control.ts';
import { openTables } from '../kernel.ts';

/** This project: its programs at the cgroup of the client, its tables, written by its own planning. */
export const shunt: Contender = {
  name: 'shunt',
  describe: async () => 'this project, with all of its accounting; no connection tracking, no rules',
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async ({ cgroup, services }) => {
    await using cleanup = new AsyncDisposableStack();
    const capacity = capacityFor({
      services: services.length,
      endpointsPerService: services[0]?.endpoints.length ?? 0,
    });
    const { dataplane } = cleanup.use(await openTables(cgroup, capacity));
    const control = await createControl(dataplane);
    const events = eventsOf(services);
    const startedMs = performance.now();
    for (const portion of portionsOf(control.desire(events))) control.write(control.plan(portion));
    await dataplane.activate();
    const programmedMs = performance.now() - startedMs;
    const owned = cleanup.move();
    return {
      programmedMs,
      addressesOf: ({ address, port }) => [`${address}:${port}`],
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};
