import type { BodyTrouble, RequestKind } from '../helpers/api-server/fault.ts';
import type { RawObject } from '../helpers/api-server/resources.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../helpers/api-server/server.ts';
import { Mirror, type MirrorOptions, type SyncMode } from './mirror.ts';

/** A server with a few Services, and a Mirror that follows them. */
export interface Scene extends AsyncDisposable {
  readonly server: ApiServer;
  readonly mirror: Mirror;
  /** Makes or changes a Service of the namespace `shop`. */
  put(name: string): RawObject;
  delete(name: string): void;
  /** One of that name ends and another begins. */
  replace(name: string): RawObject;
  disturb(trouble: BodyTrouble): void;
  /** What the Mirror has asked for, from the beginning or since the last `forget`. */
  asked(): readonly RequestKind[];
  forget(): void;
}

export interface SceneOptions extends Omit<MirrorOptions, 'server' | 'sync'> {
  readonly server?: ApiServerOptions;
  readonly names?: readonly string[];
}

/** The Mirror is not started. */
export const openScene = async (sync: SyncMode, options: SceneOptions = {}): Promise<Scene> => {
  const { server: serverOptions, names = NAMES, ...mirrorOptions } = options;
  const server = await startApiServer({ bookmarkMs: 50, freshMs: 20, ...serverOptions });
  for (const name of names) server.store.put('services', service(name));
  const mirror = new Mirror({ ...mirrorOptions, server, sync });
  const remove = (name: string): void => server.store.delete('services', `shop/${name}`);
  const put = (name: string): RawObject => server.store.put('services', service(name));
  return {
    server,
    mirror,
    put,
    delete: remove,
    replace: (name) => {
      remove(name);
      return put(name);
    },
    disturb: (trouble) => server.disturb(trouble),
    asked: () => server.requests.map(({ kind }) => kind),
    forget: () => {
      server.requests.length = 0;
    },
    [Symbol.asyncDispose]: async () => {
      // The Mirror may find fault; the server ends all the same.
      await using _ = server;
      await mirror[Symbol.asyncDispose]();
    },
  };
};

/** The Mirror holds everything. */
export const openSynced = async (sync: SyncMode, options: SceneOptions = {}): Promise<Scene> => {
  const scene = await openScene(sync, options);
  try {
    await scene.mirror.synced();
    // In list mode the watch comes after the list.
    const { server } = scene;
    while (server.watches() === 0) await new Promise(setImmediate);
    return scene;
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
};

/** Counters that count anything. */
export const nonZero = (counters: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counters).filter(([, count]) => count > 0));

export const NAMES = ['cart', 'login', 'web'] as const;

let changes = 0;

/** Each one differs from the last; its texts hold all that confuses a reader who looks for brackets and quotes. */
export const service = (name: string) => {
  changes += 1;
  const awkward = `"}]\\{ ${'é→𝄞'.repeat(3)} \u2028 \\" ,"items":[{`;
  return {
    metadata: { name, namespace: 'shop', labels: { change: String(changes) }, annotations: { awkward, '': awkward } },
    spec: {
      type: 'ClusterIP',
      clusterIP: `10.96.${(changes >> 8) & 255}.${changes & 255}`,
      clusterIPs: [`10.96.${(changes >> 8) & 255}.${changes & 255}`],
      ports: [{ name: 'http', protocol: 'TCP', port: 1 + (changes % 60_000), targetPort: 8080 }],
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  };
};
