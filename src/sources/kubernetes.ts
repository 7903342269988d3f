import { type ObjectRead, readObject } from '../core/desire/read.ts';
import { createIntern, type Intern } from '../core/model/intern.ts';
import { createPlaces, type PlaceOf, packSlice } from '../core/model/packed-slice.ts';
import { ShuntError } from '../errors.ts';
import { type Catalog, createCatalog } from './kubernetes/catalog.ts';
import { type Access, type Client, createClient } from './kubernetes/client.ts';
import { Lookout } from './kubernetes/lookout.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './kubernetes/reflector.ts';
import { type ClusterResource, resourcesFor } from './kubernetes/resources.ts';
import { type ReflectorClock, systemClock } from './kubernetes/timing.ts';
import { Troubles } from './kubernetes/trouble.ts';
import type { Source, SourceSink, WatchStatus } from './source.ts';

export interface KubernetesSourceOptions
  extends Pick<ReflectorOptions<ObjectRead>, 'sync' | 'timing' | 'clock' | 'random' | 'lineBytesMax'> {
  readonly access: Access;
  /** Of this node: its Node and its Pods alone are read. */
  readonly nodeName: string;
  /**
   * The first requests go out within this time. Nodes that start together start together to within seconds; nobody
   * notices this much at one.
   */
  readonly startJitterMs?: number;
  /** Names us in the server's audit log. */
  readonly userAgent?: string;
}

/** The objects of an API server, watched. What cannot be reached or read changes nothing. */
export const createKubernetesSource = (options: KubernetesSourceOptions): Source => new KubernetesSource(options);

const START_JITTER_MS = 500;

class KubernetesSource implements Source {
  readonly name: string;
  readonly #options: KubernetesSourceOptions;
  readonly #client: Client;
  readonly #clock: ReflectorClock;
  readonly #lookout: Lookout;
  readonly #catalog: Catalog = createCatalog();
  readonly #intern: Intern = createIntern();
  readonly #placeOf: PlaceOf = createPlaces();
  readonly #reflectors: readonly Reflector[];
  readonly #troubles: Troubles;
  /** Resources that were not told yet, of those that decide something. */
  readonly #unsynced: Set<string>;
  #sink: SourceSink | undefined;
  #cancelStart: (() => void) | undefined;
  #told = { complaints: this.#catalog.complaints(), whole: false };

  constructor(options: KubernetesSourceOptions) {
    const resources = resourcesFor(options.nodeName);
    this.name = `kubernetes:${options.access.server}`;
    this.#options = options;
    this.#client = createClient(options.access, options.userAgent);
    this.#clock = options.clock ?? systemClock;
    const { timing, random = Math.random } = options;
    this.#lookout = new Lookout({ client: this.#client, clock: this.#clock, timing, random });
    this.#troubles = new Troubles((error) => this.#sink?.onTrouble(error));
    this.#unsynced = new Set(resources.filter(({ mayLag }) => mayLag !== true).map(({ name }) => name));
    this.#reflectors = resources.map((resource) => this.#reflect(resource));
  }

  /** Resolves at once. */
  async start(sink: SourceSink): Promise<void> {
    this.#sink = sink;
    const { startJitterMs = START_JITTER_MS, random = Math.random } = this.#options;
    this.#cancelStart = this.#clock.after(startJitterMs * random(), () => {
      for (const reflector of this.#reflectors) reflector.start();
    });
  }

  async stop(): Promise<void> {
    this.#sink = undefined;
    this.#cancelStart?.();
    this.#troubles.stop();
    await Promise.all(this.#reflectors.map((reflector) => reflector.stop()));
    this.#client.close();
  }

  watches(): readonly WatchStatus[] {
    return this.#reflectors.map((reflector) => reflector.status());
  }

  #reflect(resource: ClusterResource): Reflector {
    const { sync, timing, clock, random, lineBytesMax } = this.#options;
    const { name, kind } = resource;
    let nodes = 0;
    return createReflector<ObjectRead>({
      client: this.#client,
      lookout: this.#lookout,
      resource,
      project: (raw) => this.#project(raw),
      handler: {
        onEvents: (events) => {
          this.#tell(this.#catalog.take(kind, events));
          for (const event of events) {
            if (kind !== 'Node') break;
            if (event.type === 'delete') nodes--;
            else if (event.isNew) nodes++;
          }
          if (kind === 'Node') this.#checkNode(nodes);
        },
        onSynced: () => {
          if (kind === 'Node') this.#checkNode(nodes);
          this.#synced(name);
        },
        onTrouble: (error) => this.#troubles.set(name, error),
      },
      sync,
      timing,
      clock,
      random,
      lineBytesMax,
    });
  }

  #project(raw: unknown): ObjectRead {
    const read = readObject(raw, this.#intern);
    if (read.outcome !== 'object' || read.object.kind !== 'EndpointSlice') return read;
    return { ...read, object: packSlice(read.object, this.#placeOf) };
  }

  #tell(events: ReturnType<Catalog['take']>): void {
    const complaints = this.#catalog.complaints();
    // Until then something may exist that was not told.
    const whole = this.#told.whole || (this.#unsynced.size === 0 && this.#catalog.isWhole());
    if (events.length === 0 && complaints === this.#told.complaints && whole === this.#told.whole) return;
    this.#sink?.onChange(events, complaints, whole);
    this.#told = { complaints, whole };
  }

  #synced(name: string): void {
    if (!this.#unsynced.delete(name) || this.#unsynced.size > 0) return;
    this.#tell([]);
    this.#sink?.onSynced();
  }

  #checkNode(nodes: number): void {
    const { nodeName, access } = this.#options;
    const error = new ShuntError('SHUNT_E_NODE_UNKNOWN', { node: nodeName, server: access.server });
    this.#troubles.set('node', nodes > 0 ? undefined : error);
  }
}
