import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect } from 'vitest';
import { type ObjectRead, readObject } from '../../src/core/desire/read.ts';
import { createIntern } from '../../src/core/model/intern.ts';
import { serviceAccount } from '../../src/sources/kubernetes/access.ts';
import { type Client, createClient } from '../../src/sources/kubernetes/client.ts';
import { createReflector, type Reflector } from '../../src/sources/kubernetes/reflector.ts';
import type { Resource } from '../../src/sources/kubernetes/resource.ts';
import type { ReflectorClock, ReflectorTiming } from '../../src/sources/kubernetes/timing.ts';
import type { ReflectorEvent } from '../../src/sources/kubernetes/told.ts';
import { apiVersionOf, keyOf, type RawObject, RESOURCES, type ResourceName } from '../helpers/api-server/resources.ts';
import type { ApiServer } from '../helpers/api-server/server.ts';
import { retryUntil } from '../helpers/retry.ts';

export type SyncMode = 'watch-list' | 'list';

export const SYNC_MODES: readonly SyncMode[] = ['watch-list', 'list'];

/** So short that a test need not wait, and so long that a busy machine is not taken for a dead server. */
export const QUICK: Partial<ReflectorTiming> = {
  headersMs: 400,
  listHeadersMs: 400,
  stallMs: 400,
  closingMs: 400,
  idleMs: [400, 500],
  quietMs: [50, 100],
  compareMs: 0,
  absentMs: 50,
  absentMaxMs: 50,
  backoffFirstMs: 5,
  backoffMaxMs: 50,
  handlerRetryMs: 5,
};

export interface MirrorOptions {
  readonly server: ApiServer;
  readonly resource?: ResourceName;
  readonly sync?: SyncMode;
  readonly selectors?: Pick<Resource, 'labelSelector' | 'fieldSelector' | 'optional' | 'dispensable'>;
  readonly timing?: Partial<ReflectorTiming>;
  readonly clock?: ReflectorClock;
  readonly random?: () => number;
  readonly lineBytesMax?: number;
}

/** What is kept of an object: which one it is, and what Shunt reads in it. */
interface Reflected {
  readonly uid: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly read: ObjectRead;
}

/**
 * Follows one resource of a test server by a real Reflector, and holds what it is told against rules that hold always:
 * every version of an object comes once and in order, an object that is another one under the old name comes after the
 * deletion of the old one, only what exists is deleted, and nothing before everything that exists was told.
 */
export class Mirror implements AsyncDisposable {
  readonly reflector: Reflector;
  readonly client: Client;
  /** What was told and not taken back, by key. */
  readonly objects = new Map<string, Reflected>();
  /** `put key version`, `delete key`, `synced`, `trouble code`, `well`. */
  readonly told: string[] = [];
  /** What broke a rule. */
  readonly violations: string[] = [];
  /** May throw, as a handler that cannot take an event. */
  beforeEach: (event: ReflectorEvent<Reflected>) => void = () => {};
  /** A restored server may take an object back to an earlier version. */
  mayGoBack = false;
  /** Deleted before everything was told, and not put again. */
  readonly #early = new Set<string>();
  readonly #options: MirrorOptions;
  readonly #directory = mkdtempSync(`${tmpdir()}/shunt-mirror-`);

  constructor(options: MirrorOptions) {
    this.#options = options;
    const { server, resource = 'services', sync, selectors, timing, clock, random, lineBytesMax } = options;
    writeFileSync(`${this.#directory}/ca.crt`, server.ca);
    this.token('first');
    this.client = createClient(serviceAccount({ server: server.url, directory: this.#directory }));
    const intern = createIntern();
    this.reflector = createReflector<Reflected>({
      client: this.client,
      resource: { ...resourceOf(resource), ...selectors },
      project: (raw) => reflected(raw as RawObject, intern),
      handler: {
        onEvents: (events) => this.#take(events),
        onSynced: () => {
          this.told.push('synced');
          this.#early.clear();
        },
        onTrouble: (error) => this.told.push(error === undefined ? 'well' : `trouble ${error.code}`),
      },
      ...(sync === undefined ? {} : { sync }),
      timing: { ...QUICK, ...timing },
      ...(clock === undefined ? {} : { clock }),
      ...(random === undefined ? {} : { random }),
      ...(lineBytesMax === undefined ? {} : { lineBytesMax }),
    });
  }

  /** Resolves when everything has been told. */
  async synced(): Promise<this> {
    this.reflector.start();
    await retryUntil(() => this.told.includes('synced'), { intervalMs: 2 });
    await this.equal();
    return this;
  }

  /** The oracle: all objects that the server has, in their versions, as they read, and nothing else. */
  async equal(timeoutMs = 5000): Promise<void> {
    const intern = createIntern();
    const { server, resource = 'services' } = this.#options;
    await retryUntil(
      () => {
        const shown = server.versionsOf(resource).map((version) => apiVersionOf(RESOURCES[resource], version));
        // Of several versions it stays with the one that it has.
        const apiVersion = shown.find((each) => each === this.reflector.status().apiVersion) ?? shown[0] ?? '';
        const there = server.store
          .list(resource)
          .map((raw) => [keyOf(raw), reflected({ ...raw, apiVersion }, intern)] as const);
        expect(Object.fromEntries(this.objects)).toEqual(Object.fromEntries(there));
        return true;
      },
      { timeoutMs, intervalMs: 2 },
    );
    expect(this.violations.splice(0)).toEqual([]);
  }

  /** What was told from now on until the work is done and the store equals the server again. */
  async toldDuring(work: () => unknown): Promise<readonly string[]> {
    const from = this.told.length;
    await work();
    await this.equal();
    return this.told.slice(from).filter((line) => !/^(trouble|well)/.test(line));
  }

  /** As the kubelet writes a new one. */
  token(value: string): void {
    writeFileSync(`${this.#directory}/token`, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reflector.stop();
    this.client.close();
    rmSync(this.#directory, { recursive: true, force: true });
    expect(this.violations.splice(0)).toEqual([]);
  }

  #take(events: readonly ReflectorEvent<Reflected>[]): void {
    for (const event of events) this.beforeEach(event);
    for (const event of events) {
      const key = event.namespace === '' ? event.name : `${event.namespace}/${event.name}`;
      const held = this.objects.get(key);
      if (event.type === 'put') {
        this.told.push(`put ${key} ${event.object.version}`);
        this.#checkPut(key, held, event.object);
        this.objects.set(key, event.object);
      } else {
        this.told.push(`delete ${key}`);
        if (held === undefined) this.violations.push(`${key} is deleted, and was not there`);
        if (!this.told.includes('synced')) this.#early.add(key);
        this.objects.delete(key);
      }
    }
  }

  /** When the server changes that, all are told anew; and again, if it changes while they are. */
  get #comesInOneVersion(): boolean {
    return this.reflector.status().syncs.other_version === 0;
  }

  #checkPut(key: string, held: Reflected | undefined, now: Reflected): void {
    // Of one that was replaced the old is deleted first. Other deletions follow from a whole that ends with them.
    this.#early.delete(key);
    for (const early of this.#early) this.violations.push(`${early} is deleted before ${key} was told`);
    this.#early.clear();
    if (held === undefined) return;
    const [from, to] = [`${held.uid} ${held.version}`, `${now.uid} ${now.version}`];
    if (held.uid !== now.uid) this.violations.push(`${key} became another one without a deletion: ${from} to ${to}`);
    else if (held.version === now.version && this.#comesInOneVersion)
      this.violations.push(`${key} is told twice: ${to}`);
    else if (!this.mayGoBack && Number(held.version) > Number(now.version)) {
      this.violations.push(`${key} goes back: ${from} to ${to}`);
    }
  }
}

/** A Mirror that holds everything. */
export const openMirror = (options: MirrorOptions): Promise<Mirror> => new Mirror(options).synced();

const resourceOf = (name: ResourceName): Resource => {
  const { group, versions, kind, namespaced } = RESOURCES[name];
  const [first, ...others] = versions.map((version) => ({
    apiVersion: apiVersionOf(RESOURCES[name], version),
    path: group === '' ? `/api/${version}/${name}` : `/apis/${group}/${version}/${name}`,
  }));
  return { name, kind, ...first!, otherVersions: others, isNamespaced: namespaced };
};

const reflected = (raw: RawObject, intern: (text: string) => string): Reflected => ({
  uid: raw.metadata.uid ?? '',
  version: raw.metadata.resourceVersion ?? '',
  apiVersion: raw.apiVersion,
  read: readObject(raw, intern),
});
