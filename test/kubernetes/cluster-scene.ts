import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { serviceAccount } from '../../src/sources/kubernetes/access.ts';
import { createKubernetesSource, type KubernetesSourceOptions } from '../../src/sources/kubernetes.ts';
import type { Source } from '../../src/sources/source.ts';
import type { NewObject, RawObject, ResourceName } from '../helpers/api-server/resources.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../helpers/api-server/server.ts';
import { manifestOf } from '../helpers/object-directory.ts';
import { endpoint, node, pod, policy, service, slice } from '../helpers/objects.ts';
import { QUICK, type SyncMode } from './mirror.ts';
import { SourceMirror } from './source-mirror.ts';

/** A server with a small cluster, and a source that reads it as the agent does. */
export interface ClusterScene extends AsyncDisposable {
  readonly server: ApiServer;
  readonly source: Source;
  readonly mirror: SourceMirror;
  put(...objects: readonly ClusterObject[]): void;
  remove(object: ClusterObject): void;
  token(value: string): void;
  /** Writes what the server shows now into the file of certificates to trust. */
  trust(): void;
}

export interface ClusterSceneOptions extends Partial<Omit<KubernetesSourceOptions, 'access'>> {
  readonly server?: ApiServerOptions;
  readonly objects?: readonly ClusterObject[];
}

export const OUR_NODE_NAME = 'node-a';

export const OBJECTS: readonly ClusterObject[] = [
  service(),
  service({ name: 'cart', clusterIPs: ['10.96.0.2'], affinityTimeoutS: 60 }),
  slice([endpoint('10.1.0.1', { node: 'node-a', zone: 'a', pod: 'web-0' }), endpoint('10.1.0.2', { ready: false })]),
  slice([endpoint('10.1.0.3')], { name: 'cart-1', service: 'cart' }),
  node({ zone: 'a', addresses: ['192.0.2.1'] }),
  pod(),
  policy([{ pod: 'web-*', weight: 3 }]),
];

/** The source is not started. */
export const openCluster = async (sync: SyncMode, options: ClusterSceneOptions = {}): Promise<ClusterScene> => {
  const { server: serverOptions, objects = OBJECTS, ...sourceOptions } = options;
  const server = await startApiServer({ bookmarkMs: 50, freshMs: 20, ...serverOptions });
  const directory = mkdtempSync(`${tmpdir()}/shunt-cluster-`);
  const token = (value: string): void => writeFileSync(`${directory}/token`, value);
  const trust = (): void => writeFileSync(`${directory}/ca.crt`, server.ca);
  token('first');
  trust();
  const source = createKubernetesSource({
    access: serviceAccount({ server: server.url, directory }),
    nodeName: OUR_NODE_NAME,
    startJitterMs: 0,
    sync,
    ...sourceOptions,
    timing: { ...QUICK, ...sourceOptions.timing },
  });
  const mirror = new SourceMirror(source, () => readableIn(server));
  const put = (...given: readonly ClusterObject[]): void => {
    for (const object of given) server.store.put(resourceOf(object), manifestOf(object) as NewObject);
  };
  put(...objects);
  return {
    server,
    source,
    mirror,
    put,
    remove: (object) =>
      server.store.delete(
        resourceOf(object),
        object.namespace === '' ? object.name : `${object.namespace}/${object.name}`,
      ),
    token,
    trust,
    [Symbol.asyncDispose]: async () => {
      await using _ = server;
      try {
        await mirror[Symbol.asyncDispose]();
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
};

/** The source has told everything. */
export const openFollowed = async (sync: SyncMode, options: ClusterSceneOptions = {}): Promise<ClusterScene> => {
  const scene = await openCluster(sync, options);
  try {
    await scene.mirror.followed();
    return scene;
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
};

const RESOURCE_OF = {
  Service: 'services',
  EndpointSlice: 'endpointslices',
  TCPRoute: 'tcproutes',
  TrafficPolicy: 'trafficpolicies',
  Node: 'nodes',
  Pod: 'pods',
} as const satisfies Partial<Record<ClusterObject['kind'], ResourceName>>;

export const resourceOf = ({ kind }: Pick<ClusterObject, 'kind'>): ResourceName =>
  RESOURCE_OF[kind as keyof typeof RESOURCE_OF];

/** All that concerns a node: of Nodes itself, of Pods its own, and no slices of headless Services. */
const readableIn = ({ store }: ApiServer): readonly RawObject[] => [
  ...store.list('services'),
  ...store
    .list('endpointslices')
    .filter(({ metadata }) => metadata.labels?.['service.kubernetes.io/headless'] === undefined),
  ...store.list('nodes').filter(({ metadata }) => metadata.name === OUR_NODE_NAME),
  ...store.list('pods').filter(({ spec }) => (spec as { readonly nodeName?: string }).nodeName === OUR_NODE_NAME),
  ...store.list('trafficpolicies'),
];
