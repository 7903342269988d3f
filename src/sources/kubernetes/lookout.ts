import { nearly } from './backoff.ts';
import { Calls } from './calls.ts';
import type { Client } from './client.ts';
import { Ending } from './ending.ts';
import { type ReflectorClock, type ReflectorTiming, TIMING } from './timing.ts';

export interface LookoutOptions {
  readonly client: Client;
  readonly clock: ReflectorClock;
  readonly timing?: Partial<ReflectorTiming> | undefined;
  readonly random: () => number;
}

/**
 * How types that a server does not have are waited for, by all reflectors of a node: ten thousand nodes ask for seven
 * types each, for as long as nobody installs them.
 */
export class Lookout {
  readonly #calls: Calls;
  readonly #clock: ReflectorClock;
  readonly #timing: ReflectorTiming;
  /** The same for every type of this node, which so are looked for together, and another one on the next node. */
  readonly #random: number;
  readonly #answers = new Map<string, { readonly atMs: number; readonly served: Promise<Served> }>();

  constructor({ client, clock, timing, random }: LookoutOptions) {
    this.#timing = { ...TIMING, ...timing };
    this.#calls = new Calls(client, clock, this.#timing.headersMs);
    this.#clock = clock;
    this.#random = random();
  }

  /** Before the next look, after so many in vain. */
  pauseMs(looks: number): number {
    const { absentMs, absentMaxMs } = this.#timing;
    return nearly(Math.min(absentMaxMs, absentMs * 2 ** Math.min(looks - 1, EXPONENT_MAX)), this.#random);
  }

  /**
   * The versions in which a server has anything of that group, such as `gateway.networking.k8s.io/v1`; undefined when
   * that is not to be learned. One request for each group, whoever asks at that time.
   */
  served(apiVersion: string): Promise<Served> {
    const [group = '', version] = apiVersion.split('/');
    // The core group is always there.
    if (version === undefined) return Promise.resolve(undefined);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#answers.get(group);
    if (known !== undefined && nowMs - known.atMs < this.#timing.absentMs / TOGETHER) return known.served;
    const served = this.#ask(group);
    this.#answers.set(group, { atMs: nowMs, served });
    return served;
  }

  stop(): void {
    this.#calls.abort(new Error('stopped'));
  }

  async #ask(group: string): Promise<Served> {
    try {
      const { versions } = await this.#calls.get(`/apis/${group}`);
      return Array.isArray(versions) ? new Set(versions.map(nameOf)) : undefined;
    } catch (error) {
      return error instanceof Ending && error.status === 404 ? NONE : undefined;
    }
  }
}

type Served = ReadonlySet<string> | undefined;

const NONE: Served = new Set();
const EXPONENT_MAX = 10;
/** Looks within this part of the shortest pause are one. */
const TOGETHER = 5;

const nameOf = (version: unknown): string => {
  const { groupVersion } = (version ?? {}) as { readonly groupVersion?: unknown };
  return typeof groupVersion === 'string' ? groupVersion : '';
};
