import { setTimeout as sleep } from 'node:timers/promises';
import type { BodyTrouble, Ending, Fault, RequestKind, Trouble } from '../helpers/api-server/fault.ts';
import { keyOf, type NewObject, RESOURCES, type ResourceName } from '../helpers/api-server/resources.ts';
import type { ApiServer } from '../helpers/api-server/server.ts';
import type { Snapshot } from '../helpers/api-server/store.ts';
import type { Random } from '../helpers/random.ts';
import { retryUntil } from '../helpers/retry.ts';

/** However bad the weather was, all is well so soon after it. */
export const CALM_MS = 10_000;

/** Whoever follows the server through the weather. */
export interface Follower {
  /** Writes another token into the file that is read. */
  token(value: string): void;
  /** Resolves when it holds what the server has. */
  equal(timeoutMs?: number): Promise<void>;
}

export interface WeatherOptions {
  readonly server: ApiServer;
  readonly random: Random;
  readonly follower: Follower;
  /** A new state of an object of that name. */
  readonly make: (resource: ResourceName, name: string) => NewObject;
  readonly resources: readonly ResourceName[];
  /** May be missing. */
  readonly optional?: ResourceName;
}

/** Edits and faults at random, of every kind that the server knows. */
export class Weather {
  readonly #options: WeatherOptions;
  readonly #backups: Snapshot[] = [];
  readonly #counts: Record<string, number> = {};
  #tokens = 0;

  constructor(options: WeatherOptions) {
    this.#options = options;
  }

  /** How often each thing happened. */
  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  /** One thing happens, and nothing for a while. */
  async step(): Promise<void> {
    const { random } = this.#options;
    const [name, act] = this.#draw();
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    await act();
    if (random.chance(0.7)) await sleep(random.integer(6));
  }

  /** All is well from now on: resolves when everything is known, and again after one more change of each resource. */
  async calm(): Promise<void> {
    const { server, follower } = this.#options;
    server.faults.length = 0;
    Object.assign(server.behaviour, { missing: [], chunkBytesMax: undefined });
    if (server.behaviour.watchList === 'endless') server.behaviour.watchList = 'on';
    await follower.equal(CALM_MS);
    for (const resource of this.#options.resources) this.#edits(resource);
    await follower.equal(CALM_MS);
  }

  #draw(): readonly [string, () => unknown] {
    const { random, server, optional } = this.#options;
    const resource = random.pick(this.#options.resources);
    const acts: readonly (readonly [number, string, () => unknown])[] = [
      [50, 'edit', () => this.#edit(resource)],
      [3, 'edits', () => this.#edits(resource)],
      [20, 'disturb', () => server.disturb(this.#bodyTrouble(), random.chance(0.5) ? resource : undefined)],
      [14, 'fault', () => this.#fault(resource)],
      [3, 'compact', () => server.store.compact()],
      [3, 'tick', () => server.store.tick(1 + random.integer(50))],
      [1, 'down', () => this.#down()],
      [1, 'backup', () => void this.#backups.push(server.store.snapshot())],
      [1, 'restore', () => this.#restore()],
      [1, 'token', () => this.#exchangeToken()],
      [2, 'pieces', () => Object.assign(server.behaviour, { chunkBytesMax: random.pick([undefined, 1, 5, 100]) })],
      [1, 'watch list', () => this.#changeWatchList()],
      [optional === undefined ? 0 : 1, 'install', () => this.#install(optional)],
      [optional === undefined ? 0 : 2, 'serve', () => this.#serve(optional)],
    ];
    let at = random.integer(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, act] of acts) {
      if (at < weight) return [name, act];
      at -= weight;
    }
    throw new Error('weights that do not add up');
  }

  #edit(resource: ResourceName): void {
    const { random, server, make } = this.#options;
    if (server.behaviour.missing.includes(resource)) return;
    const name = `s-${random.integer(40)}`;
    const object = make(resource, name);
    if (random.chance(0.3)) server.store.delete(resource, keyOf(object));
    if (random.chance(0.8)) server.store.put(resource, object);
  }

  #edits(resource: ResourceName): void {
    for (let count = this.#options.random.integer(60); count > 0; count--) this.#edit(resource);
  }

  #fault(resource: ResourceName): void {
    const { random, server } = this.#options;
    // Those that nobody asks for must not gather.
    if (server.faults.length >= 6) server.faults.shift();
    const on = random.pick<RequestKind | 'sync' | undefined>(['list', 'watch', 'watchlist', 'sync', 'peek', undefined]);
    const fault: Fault = { after: random.integer(6), trouble: this.#trouble() };
    server.faults.push({ ...fault, ...(on && { on }), ...(random.chance(0.5) && { resource }) });
  }

  #trouble(): Trouble {
    const { random } = this.#options;
    const status = random.pick([400, 401, 403, 404, 410, 429, 500, 502, 503, 504]);
    if (random.chance(0.4)) {
      return { kind: 'status', status, ...(random.chance(0.2) && { retryAfter: random.pick(['0', 'soon', '-1']) }) };
    }
    if (random.chance(0.15)) return { kind: 'slow', bytesPerS: 20_000 + random.integer(200_000) };
    return random.chance(0.15) ? { kind: 'silence' } : this.#bodyTrouble();
  }

  #bodyTrouble(): BodyTrouble {
    const { random } = this.#options;
    const ending = random.pick<Ending['kind']>(['end', 'reset', 'cut', 'stall']);
    const code = random.pick([410, 410, 429, 500, 504]);
    const line = random.pick(['broken', 'binary', 'number', random.chance(0.1) ? 'long' : 'broken'] as const);
    return random.pick<BodyTrouble>([
      { kind: ending },
      { kind: ending },
      { kind: 'half', ending },
      { kind: 'garbage', line },
      { kind: 'error', code, reason: code === 410 ? 'Expired' : 'Wrong', ending: random.pick(['end', 'stall']) },
    ]);
  }

  async #down(): Promise<void> {
    const { random, server, resources } = this.#options;
    await server.down();
    await sleep(random.integer(30));
    for (const resource of resources) if (random.chance(0.5)) this.#edits(resource);
    if (random.chance(0.3)) server.store.compact();
    await server.up();
  }

  /**
   * When the counter goes back, too, nobody can tell new versions from old ones that say the same. So nothing is changed
   * until that was seen: until each watch is one from the time before the restore.
   */
  async #restore(): Promise<void> {
    const { random, server, follower, resources } = this.#options;
    const backup = this.#backups.length > 0 ? random.pick(this.#backups) : undefined;
    if (backup === undefined) return;
    const bump = random.chance(0.5);
    const atMs = performance.now();
    server.store.restore(backup, bump);
    // Definitions of resources are objects, too, and come back with the others.
    server.behaviour.missing = [];
    server.disturb({ kind: 'reset' });
    this.#backups.length = 0;
    if (bump) return;
    const isSeen = (resource: ResourceName): boolean =>
      server.behaviour.missing.includes(resource) ||
      // A watch that was reset is open for a moment yet.
      (server.watches(resource, atMs) > 0 && server.watchesAhead(resource) === 0);
    await retryUntil(() => resources.every(isSeen), { intervalMs: 2, timeoutMs: CALM_MS });
    await follower.equal(CALM_MS);
  }

  #exchangeToken(): void {
    const { server, follower } = this.#options;
    this.#tokens += 1;
    server.behaviour.tokens = [`token-${this.#tokens}`];
    follower.token(`token-${this.#tokens}`);
    server.disturb({ kind: 'end' });
  }

  #changeWatchList(): void {
    const { random, server } = this.#options;
    server.behaviour.watchList = random.pick(['on', 'on', 'endless', 422, 400]);
  }

  /** In other versions than before, if it has more than one. */
  #serve(resource: ResourceName | undefined): void {
    const { random, server } = this.#options;
    if (resource === undefined || RESOURCES[resource].versions.length < 2) return;
    const { versions } = RESOURCES[resource];
    server.behaviour.served = { [resource]: random.chance(0.3) ? versions : [random.pick(versions)] };
    server.disturb({ kind: 'end' }, resource);
  }

  #install(resource: ResourceName | undefined): void {
    const { behaviour, store } = this.#options.server;
    if (resource === undefined) return;
    const isMissing = behaviour.missing.includes(resource);
    if (!isMissing) store.drop(resource);
    behaviour.missing = isMissing ? [] : [resource];
    if (!isMissing) this.#options.server.disturb({ kind: 'end' }, resource);
  }
}
