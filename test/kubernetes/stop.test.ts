import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { retryUntil } from '../helpers/retry.ts';
import { SYNC_MODES } from './mirror.ts';
import { openScene, type Scene, type SceneOptions } from './scene.ts';

/** Everything in the life of a Reflector at which it may be stopped. Each resolves when it is there. */
const MOMENTS: readonly {
  readonly what: string;
  readonly reach: (scene: Scene) => Promise<unknown>;
  readonly options?: SceneOptions;
}[] = [
  { what: 'at once', reach: async () => {} },
  {
    what: 'while it waits for headers',
    reach: async (scene) => {
      scene.server.faults.push({ on: 'sync', trouble: { kind: 'silence' } });
      await asked(scene, 1);
    },
  },
  {
    what: 'while it reads the objects',
    reach: async (scene) => {
      scene.server.faults.push({ on: 'sync', after: 1, trouble: { kind: 'stall' } });
      await retryUntil(() => scene.mirror.objects.size > 0, { intervalMs: 1 });
    },
  },
  {
    what: 'while it waits to ask again',
    reach: async (scene) => {
      scene.server.faults.push({ on: 'sync', trouble: { kind: 'status', status: 503, retryAfter: '60' } });
      await asked(scene, 1);
      await sleep(20);
    },
  },
  {
    what: 'while it watches',
    reach: async (scene) => {
      await scene.mirror.synced();
      await retryUntil(() => scene.server.watches() === 1);
    },
  },
  {
    what: 'while it watches what it was told to wait for',
    reach: async (scene) => {
      await scene.mirror.synced();
      scene.disturb({ kind: 'stall' });
    },
  },
  {
    what: 'while the server is down',
    options: { timing: { backoffFirstMs: 60_000, backoffMaxMs: 60_000 } },
    reach: async (scene) => {
      await scene.mirror.synced();
      await scene.server.down();
      await sleep(20);
    },
  },
  {
    what: 'while its handler takes nothing',
    options: { timing: { handlerRetryMs: 1 } },
    reach: async (scene) => {
      scene.mirror.beforeEach = () => {
        throw new Error('cannot');
      };
      scene.mirror.reflector.start();
      await retryUntil(() => scene.mirror.reflector.status().waiting > 0, { intervalMs: 1 });
    },
  },
  {
    what: 'while its resource is not installed',
    options: { selectors: { optional: true }, server: { missing: ['services'] }, timing: { absentMs: 60_000 } },
    reach: async (scene) => {
      scene.mirror.reflector.start();
      await retryUntil(() => scene.mirror.told.includes('synced'), { intervalMs: 1 });
    },
  },
];

const warnings: Error[] = [];
/** What this process holds while nothing is under test. */
const idle = active();
const onWarning = (warning: Error): void => void warnings.push(warning);

beforeEach(() => {
  process.on('warning', onWarning);
});

afterEach(() => {
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

describe.each(SYNC_MODES)('with a %s, a Reflector that is stopped', (sync) => {
  test.each(MOMENTS)('$what leaves no socket and no timer, and tells nothing more', async ({ reach, options }) => {
    {
      await using scene = await openScene(sync, options);
      scene.mirror.reflector.start();
      await reach(scene);
      const { told } = scene.mirror;
      scene.put('web');
      const stopping = scene.mirror.reflector.stop();
      const toldThen = told.length;
      for (const name of ['web', 'more']) scene.put(name);
      await stopping;
      // A request that was given up can still be on the way to the server.
      await sleep(50);
      expect(scene.server.watches()).toBe(0);
      const { length: asked } = scene.server.requests;
      await sleep(100);
      expect(told.slice(toldThen)).toEqual([]);
      expect(scene.server.requests).toHaveLength(asked);
      scene.mirror.client.close();
      await retryUntil(() => scene.server.connections.open === 0);
    }
    await retryUntil(() => {
      expect(active()).toEqual(idle);
      return true;
    });
  });

  test('may be stopped again, and before it was ever started', async () => {
    await using scene = await openScene(sync);
    await scene.mirror.reflector.stop();
    await Promise.all([scene.mirror.reflector.stop(), scene.mirror.reflector.stop()]);
    expect(scene.server.requests).toEqual([]);
  });

  test('after many lost watches has gathered no listeners', async () => {
    await using scene = await openScene(sync);
    await scene.mirror.synced();
    for (let round = 0; round < 60; round++) {
      const asked = scene.server.requests.length;
      scene.disturb({ kind: round % 2 === 0 ? 'end' : 'reset' });
      await retryUntil(() => scene.server.requests.length > asked && scene.server.watches() === 1, { intervalMs: 1 });
    }
    await scene.mirror.toldDuring(() => scene.put('web'));
  });
});

const asked = (scene: Scene, times: number) =>
  retryUntil(() => scene.server.requests.length >= times, { intervalMs: 1 });

/** What keeps this process alive or costs it something: sockets of both sides, timers, files that are watched. */
function active(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
