import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { BILLING, type DemoService, LOGIN, REGISTER, type Version } from './cluster.ts';
import {
  type Endpoint,
  endpointSliceObjects,
  type NamedPod,
  podObject,
  serviceObject,
  trafficPolicyObject,
} from './objects.ts';

export type Weights = Readonly<Record<Version, number>>;

export interface ClusterContents extends Readonly<Record<'login' | 'register', readonly Endpoint[]>> {
  /** Of the node; their uids are their names. */
  readonly pods: readonly NamedPod[];
  readonly weights: Weights;
}

/**
 * The cluster as a directory of YAML files, which the agent watches. Each change is one file replaced in one step, as
 * an editor does it, and resolves with the time at which it was there.
 */
export class ClusterDirectory {
  readonly path: string;
  #weights: Weights;

  private constructor(path: string, weights: Weights) {
    this.path = path;
    this.#weights = weights;
  }

  /** Makes the directory with all Services; login and register have these endpoints, billing has none. */
  static async create(path: string, { weights, login, register, pods }: ClusterContents): Promise<ClusterDirectory> {
    await mkdir(path, { recursive: true });
    const directory = new ClusterDirectory(path, weights);
    await directory.#write('pods.yaml', pods.map(podObject));
    for (const service of [REGISTER, LOGIN, BILLING]) {
      await directory.#write(`${service.name}.yaml`, [serviceObject(service)]);
    }
    await directory.setEndpoints(REGISTER, register);
    await directory.setEndpoints(LOGIN, login);
    await directory.setEndpoints(BILLING, []);
    await directory.setWeights(weights);
    return directory;
  }

  /** What the objects ask for now: the weights of register's versions. */
  get weights(): Weights {
    return this.#weights;
  }

  /** The file of a TrafficPolicy, for people to look at. */
  static readonly sharesFile = `${REGISTER.name}-shares.yaml`;

  static endpointsFile({ name }: DemoService): string {
    return `${name}-endpoints.yaml`;
  }

  async setWeights(weights: Weights): Promise<number> {
    this.#weights = weights;
    return this.#write(ClusterDirectory.sharesFile, [trafficPolicyObject(REGISTER, weights)]);
  }

  async setEndpoints(service: DemoService, endpoints: readonly Endpoint[]): Promise<number> {
    return this.#write(ClusterDirectory.endpointsFile(service), endpointSliceObjects(service, endpoints));
  }

  /** Milliseconds since the epoch, before the file could be seen. */
  async #write(name: string, objects: readonly object[]): Promise<number> {
    const unfinished = join(this.path, `.${name}`);
    await writeFile(unfinished, objects.map((object) => stringify(object)).join('---\n'));
    const writtenAtMs = Date.now();
    await rename(unfinished, join(this.path, name));
    return writtenAtMs;
  }
}
