import type { Resource } from './resource.ts';

/** A resource in the versions in which a server may have it: which one it has is found by asking for them in turn. */
export class Versions {
  readonly #all: readonly Resource[];
  #candidates: readonly Resource[];
  #at = 0;
  #missed = 0;

  constructor(resource: Resource) {
    const { otherVersions = [] } = resource;
    this.#all = [resource, ...otherVersions.map((other) => ({ ...resource, ...other }))];
    this.#candidates = this.#all;
  }

  get current(): Resource {
    return this.#candidates[this.#at] as Resource;
  }

  /** The server has the current one. */
  found(): void {
    const { apiVersion } = this.current;
    this.#candidates = this.#all;
    this.#at = this.#all.findIndex((each) => each.apiVersion === apiVersion);
    this.#missed = 0;
  }

  /** It does not. Whether there is another one to ask for before all begin again, with the one that is liked best. */
  missed(): boolean {
    this.#missed++;
    if (this.#missed < this.#candidates.length) {
      this.#at = (this.#at + 1) % this.#candidates.length;
      return true;
    }
    this.#candidates = this.#all;
    this.#at = 0;
    this.#missed = 0;
    return false;
  }

  /** Only these are worth asking for, until the next round. False when there is none among them. */
  narrow(served: ReadonlySet<string>): boolean {
    const left = this.#all.filter(({ apiVersion }) => served.has(apiVersion));
    if (left.length === 0) return false;
    this.#candidates = left;
    this.#at = 0;
    this.#missed = 0;
    return true;
  }
}
