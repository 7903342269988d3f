import { performance } from 'node:perf_hooks';
import type { Algorithm, HashOn } from '../../src/core/model/objects.ts';
import type { Contender } from '../contender.ts';
import { capacityFor, createControl, eventsOf, portionsOf } from '../control.ts';
import { type GeneratedService, policyObject } from '../generate.ts';
import { type BenchTables, openTables } from '../kernel.ts';

/** This project: its programs at the cgroup of the client, its tables, written by its own planning. */
export const shuntBy = (name: string, algorithm: Algorithm, hashOn: HashOn = 'Pod'): Contender => ({
  name,
  describe: async () => 'this project, with all of its accounting; no connection tracking, no rules',
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async ({ cgroup, services }) => {
    const tables = await fillTables(cgroup, services, algorithm, hashOn);
    return {
      programmedMs: tables.programmedMs,
      addressesOf: ({ address, port }) => [`${address}:${port}`],
      [Symbol.asyncDispose]: () => tables[Symbol.asyncDispose](),
    };
  },
});

/** Tables with these Services, and the programs that read them, at this cgroup. */
export const fillTables = async (
  cgroup: string,
  services: readonly GeneratedService[],
  algorithm: Algorithm = 'WeightedRandom',
  hashOn: HashOn = 'Pod',
): Promise<BenchTables & { readonly programmedMs: number }> => {
  await using cleanup = new AsyncDisposableStack();
  const endpointsPerService = services[0]?.endpoints.length ?? 0;
  const capacity = capacityFor({ services: services.length, endpointsPerService, algorithm });
  const { dataplane, bpfRoot } = cleanup.use(await openTables(cgroup, capacity));
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
  return { dataplane, bpfRoot, programmedMs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
};

export const shunt = shuntBy('shunt', 'WeightedRandom');
