import { objectText } from '../core/desire/complaint.ts';
import { readObject } from '../core/desire/read.ts';
import { createIntern, type Intern } from '../core/model/intern.ts';
import type { Complaint, ObjectRef } from '../core/model/objects.ts';
import { createPlaces, type PlaceOf, packSlice } from '../core/model/packed-slice.ts';
import type { WantedStatus } from '../core/status/wanted.ts';
import { ShuntError } from '../errors.ts';
import type { Fields } from './kubernetes/calls.ts';
import { type Catalog, type CatalogRead, createCatalog } from './kubernetes/catalog.ts';
import { type Access, type Client, createClient } from './kubernetes/client.ts';
import { Lookout } from './kubernetes/lookout.ts';
import { NeededGrants } from './kubernetes/needed-grants.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './kubernetes/reflector.ts';
import { type ClusterResource, resourcesFor } from './kubernetes/resources.ts';
import { aboutRaw, hasOurStatus, isRoute, leftIn } from './kubernetes/status/about.ts';
import type { ElectionTiming } from './kubernetes/status/election.ts';
import { type LeftBehind, Statuses } from './kubernetes/status/statuses.ts';
import { type ReflectorClock, systemClock } from './kubernetes/timing.ts';
import type { ReflectorEvent } from './kubernetes/told.ts';
import { Troubles } from './kubernetes/trouble.ts';
import type { Source, SourceSink, StatusWriting, WatchStatus } from './source.ts';

export interface KubernetesSourceOptions
  extends Pick<ReflectorOptions<CatalogRead>, 'sync' | 'timing' | 'clock' | 'random' | 'lineBytesMax'> {
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
  /** Where the Lease is that says which of all agents writes statuses; nobody writes without. */
  readonly leaseNamespace?: string | undefined;
  readonly electionTiming?: Partial<ElectionTiming>;
  /** Once all else is known, so long ReferenceGrants are waited for that nobody lets us read though a route needs one. */
  readonly grantsWaitMs?: number;
}

/** The objects of an API server, watched. What cannot be reached or read changes nothing. */
export const createKubernetesSource = (options: KubernetesSourceOptions): Source => new KubernetesSource(options);

const START_JITTER_MS = 500;
/** A right may be one that is just being given. */
const GRANTS_WAIT_MS = 10_000;

class KubernetesSource implements Source {
  readonly name: string;
  readonly #options: KubernetesSourceOptions;
  readonly #client: Client;
  readonly #clock: ReflectorClock;
  readonly #lookout: Lookout;
  readonly #catalog: Catalog = createCatalog();
  readonly #grants = new NeededGrants();
  readonly #intern: Intern = createIntern();
  readonly #placeOf: PlaceOf = createPlaces();
  readonly #resources: readonly ClusterResource[];
  readonly #reflectors: readonly Reflector[];
  readonly #troubles: Troubles;
  readonly #statuses: Statuses | undefined;
  /** Resources that were not told yet, of those that decide something. */
  readonly #unsynced: Set<string>;
  #sink: SourceSink | undefined;
  #cancelStart: (() => void) | undefined;
  #told: Told = {
    complaints: this.#catalog.complaints(),
    ofStatuses: [],
    ofGrants: this.#grants.complaints,
    rejected: this.#catalog.rejected(),
    whole: false,
  };

  constructor(options: KubernetesSourceOptions) {
    const resources = resourcesFor(options.nodeName);
    this.#resources = resources;
    this.name = `kubernetes:${options.access.server}`;
    this.#options = options;
    this.#client = createClient(options.access, options.userAgent);
    this.#clock = options.clock ?? systemClock;
    const { timing, random = Math.random } = options;
    this.#lookout = new Lookout({ client: this.#client, clock: this.#clock, timing, random });
    this.#troubles = new Troubles((error) => this.#sink?.onTrouble(error));
    this.#unsynced = new Set(resources.filter(({ mayLag }) => mayLag !== true).map(({ name }) => name));
    this.#statuses = this.#statusesOf(resources);
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
    this.#grants.stop();
    this.#troubles.stop();
    await Promise.all([...this.#reflectors.map((reflector) => reflector.stop()), this.#statuses?.stop()]);
    this.#client.close();
  }

  watches(): readonly WatchStatus[] {
    return this.#reflectors.map((reflector) => reflector.status());
  }

  rejected(): ReturnType<Catalog['rejected']> {
    return this.#catalog.rejected();
  }

  want(statuses: readonly WantedStatus[]): void {
    this.#statuses?.want(statuses);
  }

  statusWriting(): StatusWriting | undefined {
    return this.#statuses?.status();
  }

  #statusesOf(resources: readonly ClusterResource[]): Statuses | undefined {
    const { nodeName, leaseNamespace, electionTiming, random = Math.random } = this.#options;
    if (leaseNamespace === undefined) return undefined;
    return new Statuses({
      client: this.#client,
      clock: this.#clock,
      random,
      nodeName,
      namespace: leaseNamespace,
      timing: electionTiming,
      resourceOf: (kind) => resources.find((resource) => resource.kind === kind)?.name,
      onComplaints: () => this.#tell([]),
    });
  }

  #reflect(resource: ClusterResource): Reflector {
    const { sync, timing, clock, random, lineBytesMax } = this.#options;
    const { name, kind } = resource;
    let nodes = 0;
    return createReflector<CatalogRead>({
      client: this.#client,
      lookout: this.#lookout,
      resource,
      mayDoWithout: kind === 'ReferenceGrant' ? () => this.#mayMissGrants() : undefined,
      project: (raw) => this.#project(raw as Fields),
      handler: {
        onEvents: (events) => {
          const taken = this.#catalog.take(kind, events);
          this.#grants.note(taken);
          this.#tell(taken);
          if (hasOurStatus(kind)) this.#statuses?.leftBehind(events.map((event) => leftBehind(kind, event)));
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
        onTrouble: (error) => {
          this.#troubles.set(name, error);
          if (kind !== 'ReferenceGrant') return;
          this.#grants.areRefused = error?.code === 'SHUNT_E_API_FORBIDDEN';
          this.#tell([]);
        },
      },
      sync,
      timing,
      clock,
      random,
      lineBytesMax,
    });
  }

  /** Once all routes are known; where one needs a grant, after a while. */
  #mayMissGrants(): boolean {
    const isEarly = this.#resources.some(({ name, kind }) => isRoute(kind) && this.#unsynced.has(name));
    return !isEarly && this.#grants.mayBeMissing;
  }

  #project(raw: Fields): CatalogRead {
    const read = readObject(raw, this.#intern);
    if (read.outcome === 'object' && read.object.kind === 'EndpointSlice') {
      return { ...read, object: packSlice(read.object, this.#placeOf) };
    }
    const ref = read.outcome === 'object' ? read.object : read.outcome === 'unused' ? undefined : read.ref;
    if (ref === undefined || !hasOurStatus(ref.kind)) return read;
    this.#statuses?.seen(objectText(ref), versionOf(raw));
    const about = read.outcome === 'rejected' ? aboutRaw(raw, ref) : undefined;
    const left = read.outcome === 'nothing' ? leftIn(raw, ref) : undefined;
    return { ...read, ...(about && { about }), ...(left && { left }) };
  }

  #tell(events: ReturnType<Catalog['take']>): void {
    const before = this.#told;
    this.#told = {
      complaints: this.#catalog.complaints(),
      ofStatuses: this.#statuses?.complaints() ?? before.ofStatuses,
      ofGrants: this.#grants.complaints,
      rejected: this.#catalog.rejected(),
      // Until then something may exist that was not told.
      whole: before.whole || (this.#unsynced.size === 0 && this.#catalog.isWhole()),
    };
    const isSame = (Object.keys(before) as (keyof Told)[]).every((field) => before[field] === this.#told[field]);
    if (events.length === 0 && isSame) return;
    try {
      this.#send(events);
    } catch (error) {
      // What was not taken is told again.
      this.#told = before;
      throw error;
    }
  }

  #send(events: ReturnType<Catalog['take']>): void {
    const { complaints, ofStatuses, ofGrants, whole } = this.#told;
    const more = ofStatuses.length + ofGrants.length;
    this.#sink?.onChange(events, more === 0 ? complaints : [...complaints, ...ofStatuses, ...ofGrants], whole);
  }

  #synced(name: string): void {
    // One that may lag: whoever waits for it looks at `watches`.
    if (!this.#unsynced.delete(name)) this.#send([]);
    else if (this.#unsynced.size === 0) {
      this.#tell([]);
      this.#sink?.onSynced();
    } else if (this.#unsynced.size === 1 && this.#unsynced.has('referencegrants')) {
      this.#grants.wait(this.#clock, this.#options.grantsWaitMs ?? GRANTS_WAIT_MS);
    }
  }

  #checkNode(nodes: number): void {
    const { nodeName, access } = this.#options;
    const error = new ShuntError('SHUNT_E_NODE_UNKNOWN', { node: nodeName, server: access.server });
    this.#troubles.set('node', nodes > 0 ? undefined : error);
  }
}

/** What the sink knows beside objects. */
interface Told {
  readonly complaints: readonly Complaint[];
  /** About what cannot be written. */
  readonly ofStatuses: readonly Complaint[];
  /** About ReferenceGrants that cannot be read. */
  readonly ofGrants: readonly Complaint[];
  readonly rejected: ReturnType<Catalog['rejected']>;
  readonly whole: boolean;
}

const leftBehind = (kind: ObjectRef['kind'], event: ReflectorEvent<CatalogRead>): LeftBehind => ({
  name: objectText({ ...event, kind }),
  status: event.type === 'put' ? event.object.left : undefined,
});

const versionOf = ({ metadata }: Fields): string =>
  String((metadata as { readonly resourceVersion?: unknown } | undefined)?.resourceVersion ?? '');
