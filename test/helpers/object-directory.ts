import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type {
  ClusterObject,
  EndpointSliceObject,
  ServiceObject,
  TrafficPolicyObject,
} from '../../src/core/model/objects.ts';
import { readOnce } from '../../src/sources/file.ts';

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
  }
};

const serviceManifest = ({ name, namespace, clusterIPs, ports, affinityTimeoutS, type }: ServiceObject): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: {
    type,
    clusterIP: clusterIPs[0],
    clusterIPs,
    ports,
    ...(affinityTimeoutS === 0
      ? {}
      : { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: affinityTimeoutS } } }),
  },
});

const sliceManifest = ({ name, namespace, service, family, ports, endpoints }: EndpointSliceObject): object => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace, labels: { 'kubernetes.io/service-name': service } },
  addressType: `IPv${family}`,
  ports,
  endpoints: endpoints.map(({ address, ready, serving, terminating, pod }) => ({
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(pod === '' ? {} : { targetRef: { kind: 'Pod', name: pod } }),
  })),
});

const policyManifest = ({ name, namespace, services, endpointWeights }: TrafficPolicyObject): object => ({
  apiVersion: 'shunt.dev/v1alpha1',
  kind: 'TrafficPolicy',
  metadata: { name, namespace },
  spec: {
    targetRefs: services.map((service) => ({ group: '', kind: 'Service', name: service })),
    endpointWeights,
  },
});

/** Replaces what there is of that name in one step. */
const link = (target: string, path: string): void => {
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
};
