import { ALIAS, BACKEND, SLOT_WORDS } from '../../core/plan/alias.ts';
import { isLive } from '../../core/plan/have.ts';
import { HEADER_SLOTS } from '../../core/plan/range.ts';
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
  /** How many frontends (slots, services) or slots that are led to (backends) lead to each index. */
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

  mayLead(frontend: FrontendWrite): void {
    const { service, slotBase, slotCount } = frontend;
    if (!isLive(this.#memory.serviceGeneration(service))) fail(`a frontend leads to service ${service}, which is free`);
    if (slotCount > 0 && slotBase + HEADER_SLOTS + slotCount > this.#memory.capacity.slots)
      fail('a frontend leads outside of the slots');
    for (const backend of this.#backendsOf(slotBase + HEADER_SLOTS, slotCount)) {
      if (!isLive(this.#memory.backendGeneration(backend)))
        fail(`a frontend leads to backend ${backend}, which is free`);
      const owner = this.#memory.backendService(backend);
      if (owner !== service) fail(`a frontend of service ${service} leads to backend ${backend} of service ${owner}`);
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

  #lead({ service, slotBase, slotCount }: FrontendWrite, by: 1 | -1): void {
    this.#count('service', service, by);
    if (slotCount === 0) return;
    const end = Math.min(slotBase + HEADER_SLOTS + slotCount, this.#memory.capacity.slots);
    for (let slot = slotBase; slot < end; slot++) {
      this.#count('slot', slot, by);
      for (const backend of slot === slotBase ? [] : this.#backendsOf(slot, 1)) this.#count('backend', backend, by);
      if (!this.#led.slot.has(slot)) this.retired('slot', slot);
    }
  }

  #count(place: Place, index: number, by: 1 | -1): void {
    const count = (this.#led[place].get(index) ?? 0) + by;
    if (count === 0) this.#led[place].delete(index);
    else this.#led[place].set(index, count);
  }

  *#backendsOf(slotBase: number, slotCount: number): Generator<number> {
    if (slotCount === 0) return;
    const words = this.#memory.slots(slotBase, slotCount);
    for (let at = 0; at < words.length; at += SLOT_WORDS) {
      yield words[at + BACKEND] as number;
      yield words[at + ALIAS] as number;
    }
  }
}

const fail = (detail: string): never => {
  throw new ShuntError('SHUNT_E_INTERNAL', { detail: `the transaction is unsafe: ${detail}` });
};
