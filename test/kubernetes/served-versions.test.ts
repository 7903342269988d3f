import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { NORMAL } from '../helpers/api-server/behaviour.ts';
import type { NewObject } from '../helpers/api-server/resources.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../helpers/api-server/server.ts';
import { retryUntil } from '../helpers/retry.ts';
import { Mirror, type MirrorOptions, SYNC_MODES, type SyncMode } from './mirror.ts';

describe.each(SYNC_MODES)('with a %s, a type that is served', (sync) => {
  test.each([
    { served: ['v1'], as: 'v1', asked: ['v1'] },
    { served: ['v1', 'v1alpha2'], as: 'v1', asked: ['v1'] },
    { served: ['v1alpha2'], as: 'v1alpha2', asked: ['v1', 'v1alpha2'] },
  ])('in $served is read as $as, without a pause', async ({ served, as, asked }) => {
    await using scene = await openRoutes(sync, served, { timing: { absentMs: 60_000, backoffFirstMs: 60_000 } });
    await scene.mirror.synced();
    expect(scene.mirror.reflector.status().apiVersion).toBe(`${GATEWAY}/${as}`);
    expect([...new Set(scene.server.requests.map(({ version }) => version))]).toEqual(asked);
    expect(scene.mirror.told.filter((line) => line.startsWith('trouble'))).toEqual([]);
  });

  test('in another version from now on is followed there: every object is told in it, and none is deleted', async () => {
    await using scene = await openRoutes(sync, ['v1alpha2']);
    await scene.mirror.synced();
    const told = await scene.mirror.toldDuring(() => scene.serve('v1'));
    expect(told.map((line) => line.replace(/ \d+$/, ''))).toEqual(['put shop/cart', 'put shop/web']);
    const status = scene.mirror.reflector.status();
    expect(status).toMatchObject({ apiVersion: `${GATEWAY}/v1`, synced: true, objects: 2 });
    expect(status.syncs.other_version).toBe(2);
    await scene.mirror.toldDuring(() => scene.put('cart'));
  });

  test('in another version from now on loses what was deleted meanwhile, and nothing else', async () => {
    await using scene = await openRoutes(sync, ['v1alpha2']);
    await scene.mirror.synced();
    const told = await scene.mirror.toldDuring(() => {
      scene.serve('v1');
      scene.server.store.delete('tcproutes', 'shop/web');
      scene.put('new');
    });
    expect(told.filter((line) => line.startsWith('delete'))).toEqual(['delete shop/web']);
  });

  test('in no version for a moment, as at a server that starts, keeps what it had', async () => {
    await using scene = await openRoutes(sync, ['v1', 'v1alpha2'], { timing: { absentMs: 100, absentMaxMs: 100 } });
    await scene.mirror.synced();
    for (let version = 0; version < 2; version++) {
      scene.server.faults.push({ resource: 'tcproutes', trouble: { kind: 'status', status: 404 } });
    }
    const told = await scene.mirror.toldDuring(() => {
      scene.server.disturb({ kind: 'end' });
      scene.put('new');
    });
    expect(scene.server.faults).toEqual([]);
    expect(told).toEqual([expect.stringMatching(/^put shop\/new/)]);
  });

  test('in no version any more has no objects any more, and comes back in any', async () => {
    await using scene = await openRoutes(sync, ['v1']);
    await scene.mirror.synced();
    const told = await scene.mirror.toldDuring(() => {
      scene.server.store.drop('tcproutes');
      scene.serve();
    });
    expect(told.toSorted()).toEqual(['delete shop/cart', 'delete shop/web']);
    expect(scene.mirror.reflector.status().apiVersion).toBeUndefined();
    await scene.mirror.toldDuring(() => {
      scene.serve('v1alpha2');
      scene.put('web');
    });
    expect(scene.mirror.reflector.status().apiVersion).toBe(`${GATEWAY}/v1alpha2`);
    expect(scene.mirror.told.filter((line) => line.startsWith('trouble'))).toEqual([]);
  });

  test.each([
    { what: 'of a group that is not there is looked for by its group alone', asks: 0 },
    {
      what: 'of a group without that type is asked for only in versions of the group',
      others: { httproutes: ['v1'] },
      asks: 1,
    },
    {
      what: 'of a group that nobody may ask about is asked for in each version',
      behaviour: { groupsHidden: true },
      asks: 2,
    },
  ])('not at all, $what', async ({ others = {}, behaviour = {}, asks }) => {
    await using scene = await openRoutes(sync, [], { server: behaviour, others });
    await scene.mirror.synced();
    const before = scene.server.requests.length;
    expect(before).toBe(2);
    const groups = scene.server.groupRequests.length;
    await retryUntil(() => scene.server.groupRequests.length >= groups + 3);
    const after = scene.server.requests.length;
    const rounds = scene.server.groupRequests.length - groups;
    expect(Math.abs(after - before - rounds * asks)).toBeLessThanOrEqual(2 * asks);
    scene.serve('v1alpha2');
    scene.put('web');
    await scene.mirror.equal();
    expect(scene.mirror.told.filter((line) => line.startsWith('trouble'))).toEqual([]);
  });

  test('not at all is synced at once, and looked for ever less often', async () => {
    await using scene = await openRoutes(sync, [], { timing: { absentMs: 20, absentMaxMs: 160 } });
    await scene.mirror.synced();
    await sleep(1000);
    // After 20, 60, 140, 300 ms and so on, or up to a quarter earlier.
    expect(scene.server.groupRequests.length).toBeGreaterThanOrEqual(7);
    expect(scene.server.groupRequests.length).toBeLessThanOrEqual(12);
    expect(scene.server.requests).toHaveLength(2);
  });

  test('but not for us: what may be done without is, with a word, until it may be read', async () => {
    await using scene = await openRoutes(sync, ['v1'], {
      selectors: { optional: true, dispensable: true },
      server: { forbidden: FORBIDDEN },
    });
    scene.mirror.reflector.start();
    await retryUntil(() => scene.mirror.told.includes('synced'));
    expect(scene.mirror.told).toEqual(['trouble SHUNT_E_API_FORBIDDEN', 'synced']);
    // A right that is just being given must not be taken for one that is missing.
    expect(scene.server.requests.length).toBeGreaterThanOrEqual(5);
    scene.server.behaviour.forbidden = [];
    await scene.mirror.equal();
    await retryUntil(() => scene.mirror.told.at(-1) === 'well' || scene.mirror.told.includes('well'));
  });

  test('but no longer for us keeps what it had', async () => {
    await using scene = await openRoutes(sync, ['v1'], { selectors: { optional: true, dispensable: true } });
    await scene.mirror.synced();
    scene.server.behaviour.forbidden = FORBIDDEN;
    scene.server.disturb({ kind: 'end' });
    await retryUntil(() => scene.server.requests.filter(({ status }) => status === 403).length >= 6);
    expect([...scene.mirror.objects.keys()].toSorted()).toEqual(['shop/cart', 'shop/web']);
    scene.server.behaviour.forbidden = [];
    const told = await scene.mirror.toldDuring(() => scene.put('new'));
    expect(told).toEqual([expect.stringMatching(/^put shop\/new/)]);
  });
});

const GATEWAY = 'gateway.networking.k8s.io';

const FORBIDDEN = (['list', 'watch'] as const).map((verb) => ({ resource: 'tcproutes' as const, verb }));

interface RouteScene extends AsyncDisposable {
  readonly server: ApiServer;
  readonly mirror: Mirror;
  put(name: string): void;
  /** From now on in these versions; watches in others end. */
  serve(...versions: readonly string[]): void;
}

interface RouteSceneOptions extends Pick<MirrorOptions, 'timing' | 'selectors'> {
  readonly server?: ApiServerOptions;
  /** What else the group has. */
  readonly others?: ApiServerOptions['served'];
}

/** A server with two routes, served in these versions, and a Reflector that is not started. */
const openRoutes = async (
  sync: SyncMode,
  served: readonly string[],
  { server: behaviour, others, selectors = { optional: true }, ...options }: RouteSceneOptions = {},
): Promise<RouteScene> => {
  const installed = (versions: readonly string[]) => ({ ...NORMAL.served, ...others, tcproutes: versions });
  const server = await startApiServer({ bookmarkMs: 50, freshMs: 20, served: installed(served), ...behaviour });
  const put = (name: string): void => void server.store.put('tcproutes', route(name));
  if (served.length > 0) for (const name of ['cart', 'web']) put(name);
  const mirror = new Mirror({ server, sync, resource: 'tcproutes', selectors, ...options });
  return {
    server,
    mirror,
    put,
    serve: (...versions) => {
      server.behaviour.served = installed(versions);
      server.disturb({ kind: 'end' });
    },
    [Symbol.asyncDispose]: async () => {
      await using _ = server;
      await mirror[Symbol.asyncDispose]();
    },
  };
};

const route = (name: string): NewObject => ({
  metadata: { name, namespace: 'shop', generation: 1 },
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'web' }], rules: [{ backendRefs: [{ name, port: 80 }] }] },
});
