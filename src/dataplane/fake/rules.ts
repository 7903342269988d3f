import { hasLookup } from '../../core/plan/choice.ts';
import { isLive } from '../../core/plan/have.ts';
import { armsOf, lookupOf, membersOf, type RangeAt, readRange } from '../../core/plan/range.ts';
import { reachOf } from '../../core/plan/reach.ts';
import type { FrontendWrite } from '../../core/plan/transaction.ts';
import { ShuntError } from '../../errors.ts';
import type { Memory } from './memory.ts';

export type Place = 'slot' | 'backend' | 'service';

/**
 * What makes a transaction safe at every moment, checked at every step: nothing is written, retired or reused where a
 * program may be reading, and no frontend leads where there is nothing.
 */
export class Rules {
  readonly #memory: Memory;
  /** How many frontends lead to each index, be it through arms. */
  readonly #led: Record<Place, Map<number, number>> = { slot: new Map(), backend: new Map(), service: new Map() };
  /** Retired, and in which grace period's time. */
  readonly #waiting: Record<Place, Map<number, number>>;
  #period: number;

  constructor(memory: Memory, before?: Rules) {
    this.#memory = memory;
    this.#waiting = before ? before.#waiting : { slot: new Map(), backend: new Map(), service: new Map() };
    this.#period = before ? before.#period : 0;
    for (const frontend of memory.frontends()) this.replace(undefined, frontend);
  }

  /** The same rules over grown tables. */
  over(memory: Memory): Rules {
    return new Rules(memory, this);
  }

  mayWrite(place: Place, index: number): void {
    this.mayRetire(place, index, 'written');
    this.mayReuse(place, index);
  }

  mayReuse(place: Place, index: number): void {
    if (this.#waiting[place].has(index)) fail(`${place} ${index} is reused before a grace period has passed`);
  }

  mayRetire(place: Place, index: number, act = 'retired'): void {
    if (this.#led[place].has(index)) fail(`${place} ${index} is ${act} while a frontend leads to it`);
  }

  /** A range that a frontend leads to has a lookup exactly when its record chooses by one. */
  mayLead(frontend: FrontendWrite): void {
    const { service, arms, client, clientLevels } = frontend;
    this.#mustBeLive('service', service);
    if (client !== undefined && clientLevels) fail('the entry of a client leads on to clients');
    if (arms) this.#mustShare(frontend);
    else this.#mustServe(frontend, service, service);
  }

  /** Once a transaction is complete, whatever chooses by lookup has one, also where no frontend was written. */
  mayRest(): void {
    for (const { service, arms, ...at } of this.#memory.frontends()) {
      const ranges = arms
        ? armsOf(this.#wholeRange({ ...at, arms }), at.slotCount)
        : [{ service, slotBase: at.slotBase, slotCount: at.slotCount }];
      for (const range of ranges) {
        if (range.slotCount > 0 && hasLookup(this.#memory.service(range.service).choice)) this.#mustChoose(range);
      }
    }
  }

  retired(place: Place, index: number): void {
    this.#waiting[place].set(index, this.#period);
  }

  /** A frontend's value changes in one step, so the new one leads before the old one stops. */
  replace(old: FrontendWrite | undefined, frontend: FrontendWrite | undefined): void {
    if (frontend !== undefined) this.#lead(frontend, 1);
    if (old !== undefined) this.#lead(old, -1);
  }

  /** Covers what has been retired until now, and nothing that is retired while it lasts. */
  beginGrace(): number {
    return this.#period++;
  }

  endGrace(period: number): void {
    for (const places of Object.values(this.#waiting)) {
      for (const [index, since] of places) if (since <= period) places.delete(index);
    }
  }

  #mustShare(frontend: FrontendWrite): void {
    const { service, slotCount } = frontend;
    const words = this.#wholeRange(frontend);
    for (const { index } of membersOf(words, slotCount)) if (index >= slotCount) fail(`there is no arm ${index}`);
    for (const arm of armsOf(words, slotCount)) {
      if (arm.service === service) fail(`service ${service} is an arm of itself`);
      this.#mustBeLive('service', arm.service);
      this.#mustServe(arm, arm.service, service);
    }
  }

  #mustServe(at: RangeAt, chooser: number, owner: number): void {
    if (at.slotCount === 0) return;
    const words = this.#wholeRange(at);
    const backends = new Set(membersOf(words, at.slotCount).map(({ index }) => index));
    for (const backend of backends) {
      this.#mustBeLive('backend', backend);
      const service = this.#memory.backendService(backend);
      if (service !== owner) fail(`a frontend of service ${owner} leads to backend ${backend} of service ${service}`);
    }
    const lookup = lookupOf(words, at.slotCount);
    for (const backend of lookup) if (!backends.has(backend)) fail(`a lookup leads to backend ${backend} of others`);
    if (lookup.length > 0 !== hasLookup(this.#memory.service(chooser).choice))
      fail(`service ${chooser} does not choose as the range at slot ${at.slotBase} is made for`);
  }

  #mustChoose({ service, ...at }: RangeAt & { readonly service: number }): void {
    if (lookupOf(this.#wholeRange(at), at.slotCount).length === 0) fail(`service ${service} has nothing to look up in`);
  }

  #wholeRange(at: RangeAt): Uint32Array {
    const words = readRange(this.#memory, at);
    return words ?? fail(`a frontend leads outside of the slots, or to no whole range, at slot ${at.slotBase}`);
  }

  #mustBeLive(place: 'service' | 'backend', index: number): void {
    const generation =
      place === 'service' ? this.#memory.serviceGeneration(index) : this.#memory.backendGeneration(index);
    if (!isLive(generation)) fail(`a frontend leads to ${place} ${index}, which is free`);
  }

  #lead(frontend: FrontendWrite, by: 1 | -1): void {
    const { slots, backends, services } = reachOf(this.#memory, frontend);
    for (const index of services) this.#count('service', index, by);
    for (const index of backends) this.#count('backend', index, by);
    for (const { base, count } of slots) {
      for (let slot = base; slot < base + count; slot++) {
        this.#count('slot', slot, by);
        if (!this.#led.slot.has(slot)) this.retired('slot', slot);
      }
    }
  }

  #count(place: Place, index: number, by: 1 | -1): void {
    const count = (this.#led[place].get(index) ?? 0) + by;
    if (count === 0) this.#led[place].delete(index);
    else this.#led[place].set(index, count);
  }
}

const fail = (detail: string): never => {
  throw new ShuntError('SHUNT_E_INTERNAL', { detail: `the transaction is unsafe: ${detail}` });
};
