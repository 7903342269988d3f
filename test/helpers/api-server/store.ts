import { randomUUID } from 'node:crypto';
import { apiVersionOf, keyOf, type NewObject, type RawObject, RESOURCES, type ResourceName } from './resources.ts';

/** One change of one object. A deletion carries the last state of the object, with the version of the deletion. */
export interface StoredEvent {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: RawObject;
  /** The state before it, which decides whether a selector saw the object then. */
  readonly before: RawObject | undefined;
}

export type StoreListener = (event: StoredEvent) => void;

/** The whole state at one moment, as a backup of etcd has it. */
export interface Snapshot {
  readonly version: number;
  readonly objects: Readonly<Record<ResourceName, readonly RawObject[]>>;
}

/**
 * What etcd is to an API server: objects of all resources under one counter of versions, and of each resource the
 * newest `historyMax` changes. Who asks for older ones has come too late.
 */
export class ObjectStore {
  readonly #historyMax: number;
  readonly #shelves: Readonly<Record<ResourceName, Shelf>>;
  #version = 1000;

  constructor(historyMax: number) {
    this.#historyMax = historyMax;
    this.#shelves = Object.fromEntries(RESOURCE_NAMES.map((name) => [name, shelf()])) as Record<ResourceName, Shelf>;
  }

  /** Of the newest change of anything. */
  get version(): number {
    return this.#version;
  }

  /** In the order of their keys, as etcd returns them. */
  list(resource: ResourceName): readonly RawObject[] {
    const { objects } = this.#shelves[resource];
    return [...objects.keys()].sort().map((key) => objects.get(key) as RawObject);
  }

  get(resource: ResourceName, key: string): RawObject | undefined {
    return this.#shelves[resource].objects.get(key);
  }

  /** Makes the object, or replaces it: then it keeps its uid. Returns it as it is stored. */
  put(resource: ResourceName, given: NewObject): RawObject {
    const { objects } = this.#shelves[resource];
    const key = keyOf(given);
    const before = objects.get(key);
    this.#version += 1;
    const object = stored(resource, given, before, this.#version);
    objects.set(key, object);
    this.#record(resource, { version: this.#version, type: before ? 'MODIFIED' : 'ADDED', object, before });
    return object;
  }

  /** That it is not there is no error. */
  delete(resource: ResourceName, key: string): void {
    const { objects } = this.#shelves[resource];
    const before = objects.get(key);
    if (before === undefined) return;
    objects.delete(key);
    this.#version += 1;
    const object = withVersion(before, this.#version);
    this.#record(resource, { version: this.#version, type: 'DELETED', object, before });
  }

  /** Something happens to a resource that nobody here knows. */
  tick(by = 1): void {
    this.#version += by;
  }

  /** The changes after this version; undefined when they are no longer known as a whole. A version to come has none. */
  eventsAfter(resource: ResourceName, version: number): readonly StoredEvent[] | undefined {
    const { history, forgottenThrough } = this.#shelves[resource];
    if (version < forgottenThrough) return undefined;
    return history.filter((event) => event.version > version);
  }

  /** Forgets every change until now, as a compaction of etcd does. */
  compact(): void {
    for (const each of Object.values(this.#shelves)) this.#forget(each);
  }

  snapshot(): Snapshot {
    const objects = Object.fromEntries(RESOURCE_NAMES.map((name) => [name, this.list(name)]));
    return { version: this.#version, objects: objects as unknown as Snapshot['objects'] };
  }

  /**
   * The state goes back, and with it the counter of versions, unless `bump` has it go on, which is how an etcd should be
   * restored. Nobody who watches is told.
   */
  restore(snapshot: Snapshot, bump = false): void {
    this.#version = bump ? this.#version + 1000 : snapshot.version;
    for (const name of RESOURCE_NAMES) {
      const { objects } = this.#shelves[name];
      objects.clear();
      for (const object of snapshot.objects[name]) objects.set(keyOf(object), object);
      this.#forget(this.#shelves[name]);
    }
  }

  /** All objects of a resource are gone with their definition; nobody who watches is told, and the past is forgotten. */
  drop(resource: ResourceName): void {
    this.#shelves[resource].objects.clear();
    this.#version += 1;
    this.#forget(this.#shelves[resource]);
  }

  /** Calls back with each change from now on, before `put` and `delete` return. Returns how to end that. */
  subscribe(resource: ResourceName, listener: StoreListener): () => void {
    const { listeners } = this.#shelves[resource];
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #record(resource: ResourceName, event: StoredEvent): void {
    const { history, listeners } = this.#shelves[resource];
    history.push(event);
    if (history.length > this.#historyMax) {
      const dropped = history.splice(0, history.length - this.#historyMax).at(-1);
      if (dropped !== undefined) this.#shelves[resource].forgottenThrough = dropped.version;
    }
    for (const listener of [...listeners]) listener(event);
  }

  #forget(of: Shelf): void {
    of.history.length = 0;
    of.forgottenThrough = this.#version;
  }
}

interface Shelf {
  readonly objects: Map<string, RawObject>;
  readonly history: StoredEvent[];
  readonly listeners: Set<StoreListener>;
  /** Changes up to this version are no longer known. */
  forgottenThrough: number;
}

const RESOURCE_NAMES = Object.keys(RESOURCES) as ResourceName[];

const shelf = (): Shelf => ({ objects: new Map(), history: [], listeners: new Set(), forgottenThrough: 0 });

const stored = (
  resource: ResourceName,
  given: NewObject,
  before: RawObject | undefined,
  version: number,
): RawObject => {
  const { metadata, ...fields } = given;
  const { uid = randomUUID(), creationTimestamp = new Date(CREATED_MS).toISOString() } = before?.metadata ?? metadata;
  return {
    kind: RESOURCES[resource].kind,
    apiVersion: apiVersionOf(RESOURCES[resource]),
    ...fields,
    metadata: { ...metadata, uid, resourceVersion: String(version), creationTimestamp },
  };
};

/** All are of one age, which decides nothing. */
const CREATED_MS = Date.UTC(2026, 0, 1);

const withVersion = (object: RawObject, version: number): RawObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(version) },
});
