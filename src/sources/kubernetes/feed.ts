import { BadContent, Ending } from './ending.ts';
import { KnownObjects } from './known.ts';
import type { Resource } from './resource.ts';
import type { ReflectorEvent } from './told.ts';
import { isOlder } from './version.ts';

/** Makes events of the objects that the server sends: of those alone that it had not told before. */
export class Feed<T> {
  #resource: Resource;
  readonly #project: (raw: unknown) => T;
  readonly #known = new KnownObjects();
  #events: ReflectorEvent<T>[] = [];

  constructor(resource: Resource, project: (raw: unknown) => T) {
    this.#resource = resource;
    this.#project = project;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Objects seen since `begin`. */
  get seen(): number {
    return this.#known.seen;
  }

  /**
   * The object exists as it is here. Returns its version, which must not be older than `after`.
   *
   * @throws BadContent, or Ending when the server has gone back.
   */
  put(raw: unknown, after?: string): string {
    const { fields, namespace, name, uid, version } = this.#identify(raw);
    const seen = this.#known.look(namespace, name, uid, version);
    if (after !== undefined && isOlder(version, after)) {
      if (seen === 'same') return after;
      throw backwards(version, after);
    }
    if (seen !== 'same') {
      // May throw: then the object counts as not seen.
      const object = this.#project(fields);
      if (seen === 'recreated') this.#events.push({ type: 'delete', namespace, name });
      this.#events.push({ type: 'put', namespace, name, object, isNew: seen !== 'changed' });
    }
    this.#known.see(namespace, name, uid, version);
    return version;
  }

  /** The object is gone. Returns the version in which that happened. Throws BadContent. */
  remove(raw: unknown): string {
    const { namespace, name, uid, version } = this.#identify(raw);
    if (this.#known.forget(namespace, name, uid)) this.#events.push({ type: 'delete', namespace, name });
    return version;
  }

  /** The events since the last call. */
  take(): readonly ReflectorEvent<T>[] {
    if (this.#events.length === 0) return NONE;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Everything that exists will be put from here on. */
  begin(): void {
    this.#known.beginSweep();
  }

  /** Objects come in this version from here on, and are told anew in it: the same objects, in the same state. */
  comeAs(resource: Resource): void {
    if (resource.apiVersion === this.#resource.apiVersion) return;
    this.#resource = resource;
    this.#known.forgetVersions();
  }

  /** Everything was put: what was not is gone. */
  end(): readonly ReflectorEvent<T>[] {
    return this.#known.sweep().map(([namespace, name]) => ({ type: 'delete', namespace, name }));
  }

  #identify(raw: unknown): Identified {
    if (!isFields(raw) || !isFields(raw.metadata)) throw new BadContent('no object');
    const { apiVersion, kind } = this.#resource;
    // In a list of one type the API server leaves both out of the items.
    raw.apiVersion ??= apiVersion;
    raw.kind ??= kind;
    if (raw.kind !== kind) throw new BadContent(`a ${String(raw.kind)} among objects of kind ${kind}`);
    const { name, namespace = '', uid, resourceVersion } = raw.metadata;
    if (!isText(name) || typeof namespace !== 'string' || !isText(uid) || !isText(resourceVersion)) {
      throw new BadContent('an object without name, uid or resourceVersion');
    }
    return { fields: raw, namespace, name, uid, version: resourceVersion };
  }
}

export const backwards = (version: string, known: string): Ending =>
  new Ending('backwards', `the server is at version ${version}, and was at ${known}: it lost what came between`);

interface Identified {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly version: string;
}

const NONE: readonly never[] = [];

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
