import { describe, expect, test } from 'vitest';
import type { ReflectorTiming } from '../../src/sources/kubernetes/timing.ts';
import type { NewObject, ResourceName } from '../helpers/api-server/resources.ts';
import { startApiServer } from '../helpers/api-server/server.ts';
import { manifestOf } from '../helpers/object-directory.ts';
import { endpoint, NOT_READY, node, pod, policy, slice } from '../helpers/objects.ts';
import { createRandom, type Random } from '../helpers/random.ts';
import { openCluster } from './cluster-scene.ts';
import { Mirror, SYNC_MODES } from './mirror.ts';
import { openScene, service } from './scene.ts';
import { Weather } from './weather.ts';

/** Each seed is a storm in each way to sync. SEED is the first of them. */
const STORM_SEEDS = Number(process.env.STORM_SEEDS ?? 2);
const STEPS = 1000;
const seeds = Array.from({ length: STORM_SEEDS }, (_, index) => Number(process.env.SEED) + index);

/** Shorter than elsewhere: a server that is taken for dead by mistake is one more fault. */
const HASTY: Partial<ReflectorTiming> = {
  headersMs: 60,
  listHeadersMs: 60,
  stallMs: 60,
  closingMs: 60,
  idleMs: [60, 90],
  quietMs: [20, 40],
  retryAfterMaxMs: 20,
};
const lineBytesMax = 64 << 10;

describe.each(SYNC_MODES)(`after ${STEPS} random faults and edits, with a %s`, (sync) => {
  test.each(seeds)('a Reflector holds what the server has, and broke no rule on the way, seed %i', async (seed) => {
    const random = createRandom(seed);
    await using scene = await openScene(sync, { names: [], server: SERVER, timing: HASTY, lineBytesMax });
    const { server, mirror } = scene;
    mirror.mayGoBack = true;
    const make = (_: ResourceName, name: string): NewObject => service(name);
    const weather = new Weather({ server, random, follower: mirror, make, resources: ['services'] });
    mirror.reflector.start();
    for (let step = 0; step < STEPS; step++) await weather.step();
    await weather.calm();
    expect(mirror.objects.size).toBeGreaterThan(0);
    // A storm that brought nothing would have shown nothing.
    const { reconnects, syncs } = mirror.reflector.status();
    expect(Object.values(reconnects).filter((count) => count > 0).length).toBeGreaterThan(6);
    expect(Object.values(syncs).filter((count) => count > 0).length).toBeGreaterThan(2);
  });

  test.each(seeds)(
    'a Reflector of a type that comes, goes and changes its version does so, too, seed %i',
    async (seed) => {
      const random = createRandom(seed);
      const served = { tcproutes: ['v1alpha2'] };
      await using server = await startApiServer({ ...SERVER, served });
      await using mirror = new Mirror({
        server,
        sync,
        resource: 'tcproutes',
        selectors: { optional: true },
        timing: HASTY,
        lineBytesMax,
      });
      mirror.mayGoBack = true;
      const make = (_: ResourceName, name: string): NewObject => ({ metadata: { name, namespace: 'shop' }, spec: {} });
      const weather = new Weather({
        server,
        random,
        follower: mirror,
        make,
        resources: ['tcproutes'],
        optional: 'tcproutes',
      });
      mirror.reflector.start();
      for (let step = 0; step < STEPS; step++) await weather.step();
      await weather.calm();
      expect(mirror.objects.size).toBeGreaterThan(0);
      expect(weather.counts.serve).toBeGreaterThan(5);
      expect(mirror.reflector.status().syncs.other_version).toBeGreaterThan(5);
    },
  );

  test.each(seeds)('a source holds what the server has, of every resource, seed %i', async (seed) => {
    const random = createRandom(seed);
    await using scene = await openCluster(sync, { server: SERVER, timing: HASTY, lineBytesMax });
    const { server, mirror, token } = scene;
    const follower = { token, equal: (timeoutMs?: number) => mirror.equal(timeoutMs) };
    const resources = ['services', 'endpointslices', 'nodes', 'pods', 'trafficpolicies'] as const;
    const make = (resource: ResourceName, name: string): NewObject => objectOf(resource, name, random);
    const weather = new Weather({ server, random, follower, make, resources, optional: 'trafficpolicies' });
    await mirror.start();
    for (let step = 0; step < STEPS; step++) await weather.step();
    await weather.calm();
    expect(mirror.whole).toBe(true);
    expect(mirror.objects.size).toBeGreaterThan(20);
  });
});

const SERVER = { bookmarkMs: 20, freshMs: 20 } as const;

const objectOf = (resource: ResourceName, name: string, random: Random): NewObject => {
  const address = `10.1.${random.integer(256)}.${random.integer(256)}`;
  switch (resource) {
    case 'services':
      return service(name);
    case 'endpointslices': {
      const endpoints = Array.from({ length: random.integer(5) }, (_, index) =>
        endpoint(`10.2.${index}.${random.integer(256)}`, random.chance(0.2) ? NOT_READY : { pod: `web-${index}` }),
      );
      return manifestOf(slice(endpoints, { name, service: random.pick(['s-1', 's-2']) })) as NewObject;
    }
    case 'nodes': {
      const named = random.chance(0.2) ? 'node-a' : name;
      return manifestOf(node({ name: named, zone: random.pick(['a', 'b']), addresses: [address] })) as NewObject;
    }
    case 'pods':
      return manifestOf(pod({ name, node: random.pick(['node-a', 'node-b']), addresses: [address] })) as NewObject;
    case 'trafficpolicies':
      return manifestOf(policy([{ weight: random.integer(1001) }], { name, services: [name] })) as NewObject;
    default:
      throw new Error(`no ${resource} here`);
  }
};
