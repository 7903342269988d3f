import { performance } from 'node:perf_hooks';
import type { Algorithm, HashOn } from '../../src/core/model/objects.ts';
import type { Contender } from '../contender.ts';
import { capacityFor, createControl, eventsOf, portionsOf } from '../control.ts';
import { policyObject } from '../generate.ts';
import { openTables } from '../kernel.ts';

/** This project: its programs at the cgroup of the client, its tables, written by its own planning. */
export const shuntBy = (name: string, algorithm: Algorithm, hashOn: HashOn = 'Pod'): Contender => ({
  name,
  describe: async () => 'this project, with all of its accounting; no connection tracking, no rules',
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async ({ cgroup, services }) => {
    await using cleanup = new AsyncDisposableStack();
    const endpointsPerService = services[0]?.endpoints.length ?? 0;
    const capacity = capacityFor({ services: services.length, endpointsPerService, algorithm });
    const { dataplane } = cleanup.use(await openTables(cgroup, capacity));
    const control = await createControl(dataplane);
    const policies = services.map((service) => ({
      type: 'put' as const,
      object: policyObject(service, algorithm, hashOn),
    }));
    const events = [...eventsOf(services), ...(algorithm === 'WeightedRandom' ? [] : policies)];
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
});

export const shunt = shuntBy('shunt', 'WeightedRandom');
