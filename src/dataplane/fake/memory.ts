import { SLOT_WORDS } from '../../core/plan/alias.ts';
import { frontendKey } from '../../core/plan/have.ts';
import type {
  BackendWrite,
  Capacity,
  FrontendKey,
  FrontendWrite,
  ServiceWrite,
  TableReader,
} from '../../core/plan/transaction.ts';
import { ShuntError } from '../../errors.ts';

/** The tables, with nothing but their sizes to hold anyone back. */
export class Memory implements TableReader {
  readonly capacity: Capacity;
  readonly #frontends = new Map<string, FrontendWrite>();
  readonly #slots: Uint32Array;
  readonly #backends: (BackendWrite | undefined)[];
  readonly #services: (ServiceWrite | undefined)[];

  constructor(capacity: Capacity) {
    this.capacity = capacity;
    this.#slots = new Uint32Array(capacity.slots * SLOT_WORDS);
    this.#backends = new Array(capacity.backends).fill(undefined);
    this.#services = new Array(capacity.services).fill(undefined);
  }

  /** The same contents in larger tables. */
  grown(capacity: Capacity): Memory {
    const larger = new Memory(capacity);
    for (const frontend of this.#frontends.values()) larger.putFrontend(frontend);
    larger.#slots.set(this.#slots);
    for (const backend of this.#backends) if (backend !== undefined) larger.putBackend(backend);
    for (const service of this.#services) if (service !== undefined) larger.putService(service);
    return larger;
  }

  frontends(): readonly FrontendWrite[] {
    return [...this.#frontends.values()];
  }

  frontend(key: FrontendKey): FrontendWrite | undefined {
    return this.#frontends.get(frontendKey(key));
  }

  slots(base: number, count: number): Uint32Array {
    this.#check('slots', base);
    this.#check('slots', base + count - 1);
    return this.#slots.subarray(base * SLOT_WORDS, (base + count) * SLOT_WORDS);
  }

  backend(index: number): BackendWrite {
    this.#check('backends', index);
    return this.#backends[index] ?? { ...NO_BACKEND, index };
  }

  service(index: number): ServiceWrite {
    this.#check('services', index);
    return this.#services[index] ?? { ...NO_SERVICE, index };
  }

  backendGeneration(index: number): number {
    this.#check('backends', index);
    return this.#backends[index]?.generation ?? 0;
  }

  backendService(index: number): number {
    this.#check('backends', index);
    return this.#backends[index]?.service ?? 0;
  }

  serviceGeneration(index: number): number {
    this.#check('services', index);
    return this.#services[index]?.generation ?? 0;
  }

  putFrontend(frontend: FrontendWrite): void {
    this.#frontends.set(frontendKey(frontend), frontend);
  }

  deleteFrontend(key: FrontendKey): void {
    this.#frontends.delete(frontendKey(key));
  }

  putSlot(index: number, words: Uint32Array): void {
    this.#slots.set(words, index * SLOT_WORDS);
  }

  putBackend(backend: BackendWrite): void {
    this.#backends[backend.index] = backend;
  }

  putService(service: ServiceWrite): void {
    this.#services[service.index] = service;
  }

  get frontendCount(): number {
    return this.#frontends.size;
  }

  /** Memory outside of a table is not there to be read. */
  #check(table: 'slots' | 'backends' | 'services', index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.capacity[table]) return;
    throw new ShuntError('SHUNT_E_INTERNAL', {
      detail: `${table} has no index ${index}, only ${this.capacity[table]}`,
    });
  }
}

const NO_BACKEND = { address: '::', port: 0, protocol: 'TCP', generation: 0, weight: 0, service: 0 } as const;
const NO_SERVICE = { identity: [0, 0], generation: 0, affinityTimeoutS: 0 } as const;
