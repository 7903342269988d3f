import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type {
  ClusterObject,
  EndpointSliceObject,
  NodeObject,
  PodObject,
  ServiceObject,
} from '../../src/core/model/objects.ts';
import { readOnce } from '../../src/sources/file.ts';
import { destinationRuleManifest, grantManifest, policyManifest, routeManifest } from './traffic-manifests.ts';

/** A directory of Kubernetes objects, one file for each name, which changes as a whole. */
export class ObjectDirectory implements Disposable {
  readonly path = mkdtempSync(`${tmpdir()}/shunt-objects-`);

  /** Replaces a file, or makes it, in one step. */
  write(name: string, ...objects: readonly ClusterObject[]): void {
    this.writeText(name, objects.map((object) => JSON.stringify(manifestOf(object))).join('\n---\n'));
  }

  writeText(name: string, text: string): void {
    writeFileSync(`${this.path}/.${name}`, text);
    renameSync(`${this.path}/.${name}`, `${this.path}/${name}.yaml`);
  }

  /** That it is not there is no error. */
  remove(name: string): void {
    rmSync(`${this.path}/${name}.yaml`, { force: true });
  }

  /** As the agent reads it. */
  async read(): Promise<readonly ClusterObject[]> {
    return (await readOnce(this.path)).objects;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A directory mounted as Kubernetes mounts a ConfigMap: every file changes at once, by one symbolic link. */
export class MountedDirectory implements Disposable {
  readonly path = mkdtempSync(`${tmpdir()}/shunt-mounted-`);
  #version = 0;

  replace(files: Readonly<Record<string, readonly ClusterObject[]>>): void {
    this.#version += 1;
    const version = `..version-${this.#version}`;
    mkdirSync(`${this.path}/${version}`);
    for (const [name, objects] of Object.entries(files)) {
      const text = objects.map((object) => JSON.stringify(manifestOf(object))).join('\n---\n');
      writeFileSync(`${this.path}/${version}/${name}.yaml`, text);
      if (this.#version === 1) link(`..data/${name}.yaml`, `${this.path}/${name}.yaml`);
    }
    link(version, `${this.path}/..data`);
    rmSync(`${this.path}/..version-${this.#version - 1}`, { recursive: true, force: true });
  }

  async read(): Promise<readonly ClusterObject[]> {
    return (await readOnce(this.path)).objects;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The object as an API server would show it, as far as Shunt reads it. */
export const manifestOf = (object: ClusterObject): object => {
  switch (object.kind) {
    case 'Service':
      return serviceManifest(object);
    case 'EndpointSlice':
      return sliceManifest(object);
    case 'TrafficPolicy':
      return policyManifest(object);
    case 'DestinationRule':
      return destinationRuleManifest(object);
    case 'ReferenceGrant':
      return grantManifest(object);
    case 'Node':
      return nodeManifest(object);
    case 'Pod':
      return podManifest(object);
    default:
      return routeManifest(object);
  }
};

const serviceManifest = (service: ServiceObject): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: service.name,
    namespace: service.namespace,
    ...(service.proxyName === undefined
      ? {}
      : { labels: { 'service.kubernetes.io/service-proxy-name': service.proxyName } }),
  },
  spec: {
    type: service.type,
    clusterIP: service.headless ? 'None' : service.clusterIPs[0],
    clusterIPs: service.headless ? ['None'] : service.clusterIPs,
    externalIPs: service.externalIPs,
    ports: service.ports,
    internalTrafficPolicy: service.internalTrafficPolicy,
    publishNotReadyAddresses: service.publishNotReadyAddresses,
    ...(service.sourceRanges ? { loadBalancerSourceRanges: ['192.0.2.0/24'] } : {}),
    ...(service.affinityTimeoutS === 0
      ? {}
      : {
          sessionAffinity: 'ClientIP',
          sessionAffinityConfig: { clientIP: { timeoutSeconds: service.affinityTimeoutS } },
        }),
  },
  status: { loadBalancer: { ingress: service.loadBalancerIPs.map((ip) => ({ ip })) } },
});

const sliceManifest = ({ name, namespace, service, family, ports, endpoints }: EndpointSliceObject): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace, labels: { 'kubernetes.io/service-name': service } },
  addressType: `IPv${family}`,
  ports,
  endpoints: endpoints.map(({ address, ready, serving, terminating, node, zone, hints, pod, labels }) => ({
    addresses: [address],
    conditions: { ready, serving, terminating },
    hints: { forZones: hints.zones.map(named), forNodes: hints.nodes.map(named) },
    ...(node === '' ? {} : { nodeName: node }),
    ...(zone === '' ? {} : { zone }),
    ...(pod === '' ? {} : { targetRef: { kind: 'Pod', name: pod } }),
    ...(labels === undefined ? {} : { deprecatedTopology: labels }),
  })),
});

const named = (name: string): { readonly name: string } => ({ name });

const nodeManifest = ({ name, zone, addresses }: NodeObject): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
});

const podManifest = ({ name, namespace, node, addresses, cgroupUid, labels, owner, sameNode }: PodObject): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace,
    labels: { ...labels, ...(sameNode === '' ? {} : { 'shunt.dev/same-node': sameNode }) },
    ...(cgroupUid === '' ? {} : { uid: cgroupUid }),
    ownerReferences: ownersOf(owner),
  },
  spec: { nodeName: node },
  status: { phase: 'Running', podIPs: addresses.map((ip) => ({ ip })) },
});

/** A Deployment is known by its ReplicaSet only with the hash that both have. */
const ownersOf = (owner: string): readonly object[] => {
  const [kind, name] = owner.split('/');
  return kind === 'Pod' ? [] : [{ kind, name, controller: true }];
};

/** Replaces what there is of that name in one step. */
const link = (target: string, path: string): void => {
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
};
