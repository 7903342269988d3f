import { SLOT_WORDS } from '../../core/plan/alias.ts';
import { isLive, nextGeneration } from '../../core/plan/have.ts';
import type {
  BackendWrite,
  Capacity,
  FrontendKey,
  FrontendWrite,
  ServiceWrite,
  Transaction,
  WeightWrite,
} from '../../core/plan/transaction.ts';
import { ShuntError } from '../../errors.ts';
import type { Memory } from './memory.ts';
import type { Place, Rules } from './rules.ts';

/** One store into one record: what a `kill -9` can fall between. */
export interface Step {
  readonly name: string;
  readonly run: (executor: Executor) => void;
}

export interface Executor {
  readonly memory: Memory;
  readonly rules: Rules;
}

/** What the kernel would not do; the message is its reason. */
export class Refusal extends Error {}

export const stepsOf = (transaction: Transaction): readonly Step[] => [
  ...transaction.backends.map((write) => step(`backend ${write.index}`, writeBackend(write))),
  ...transaction.weights.map((write) => step(`weight of backend ${write.index}`, writeWeight(write))),
  ...transaction.services.map((write) => step(`service ${write.index}`, writeService(write))),
  ...transaction.slots.flatMap(({ base, words }) =>
    Array.from({ length: words.length / SLOT_WORDS }, (_, at) =>
      step(`slot ${base + at}`, writeSlot(base + at, words.subarray(at * SLOT_WORDS, (at + 1) * SLOT_WORDS))),
    ),
  ),
  ...transaction.frontends.map((write) => step(`frontend ${nameOf(write)}`, putFrontend(write))),
  ...transaction.frontendDeletes.map((key) => step(`removal of frontend ${nameOf(key)}`, deleteFrontend(key))),
  ...transaction.retiredBackends.map((index) => step(`retirement of backend ${index}`, retireBackend(index))),
  ...transaction.retiredServices.map((index) => step(`retirement of service ${index}`, retireService(index))),
];

type Run = Step['run'];

const step = (name: string, run: Run): Step => ({ name, run });

const writeBackend =
  (write: BackendWrite): Run =>
  ({ memory, rules }) => {
    checkIndex(memory, 'backends', write.index);
    mayCreate(rules, 'backend', write, memory.backendGeneration(write.index));
    memory.putBackend(write);
  };

const writeWeight =
  ({ index, weight }: WeightWrite): Run =>
  ({ memory }) => {
    checkIndex(memory, 'backends', index);
    checkLive('backend', index, memory.backendGeneration(index));
    memory.putBackend({ ...memory.backend(index), weight });
  };

/** A live record keeps all but its settings. */
const writeService =
  (write: ServiceWrite): Run =>
  ({ memory, rules }) => {
    checkIndex(memory, 'services', write.index);
    const held = memory.service(write.index);
    const isSame = held.generation === write.generation && held.identity.join() === write.identity.join();
    if (!isSame || !isLive(held.generation)) mayCreate(rules, 'service', write, held.generation);
    memory.putService(write);
  };

const writeSlot =
  (index: number, words: Uint32Array): Run =>
  ({ memory, rules }) => {
    checkIndex(memory, 'slots', index);
    rules.mayWrite('slot', index);
    memory.putSlot(index, words);
  };

const putFrontend =
  (write: FrontendWrite): Run =>
  ({ memory, rules }) => {
    const held = memory.frontend(write);
    if (held === undefined && memory.frontendCount >= memory.capacity.frontends) {
      throw new Refusal(`E2BIG: frontends is full (${memory.capacity.frontends})`);
    }
    rules.mayLead(write);
    rules.replace(held, write);
    memory.putFrontend(write);
  };

const deleteFrontend =
  (key: FrontendKey): Run =>
  ({ memory, rules }) => {
    const held = memory.frontend(key);
    if (held === undefined) throw new Refusal('ENOENT: no such frontend');
    rules.replace(held, undefined);
    memory.deleteFrontend(key);
  };

const retireBackend =
  (index: number): Run =>
  ({ memory, rules }) => {
    checkIndex(memory, 'backends', index);
    const held = memory.backend(index);
    mayRetire(rules, 'backend', index, held.generation);
    memory.putBackend({ ...held, generation: nextGeneration(held.generation) });
  };

const retireService =
  (index: number): Run =>
  ({ memory, rules }) => {
    checkIndex(memory, 'services', index);
    const held = memory.service(index);
    mayRetire(rules, 'service', index, held.generation);
    memory.putService({ ...held, generation: nextGeneration(held.generation) });
  };

const mayCreate = (
  rules: Rules,
  place: Place,
  { index, generation }: { readonly index: number; readonly generation: number },
  held: number,
): void => {
  rules.mayWrite(place, index);
  if (isLive(held)) unsafe(`${place} ${index} is written while it is in use`);
  if (generation !== nextGeneration(held)) unsafe(`${place} ${index} goes from generation ${held} to ${generation}`);
};

const mayRetire = (rules: Rules, place: Place, index: number, generation: number): void => {
  rules.mayRetire(place, index);
  checkLive(place, index, generation);
  rules.retired(place, index);
};

const checkLive = (place: Place, index: number, generation: number): void => {
  if (!isLive(generation)) unsafe(`${place} ${index} is changed while it is free`);
};

/** The agent writes these tables as memory: it must see for itself that it stays inside. */
const checkIndex = (memory: Memory, table: keyof Capacity, index: number): void => {
  if (index >= memory.capacity[table]) throw new Refusal(`${table} ends at ${memory.capacity[table]}`);
};

const unsafe = (detail: string): never => {
  throw new ShuntError('SHUNT_E_INTERNAL', { detail: `the transaction is unsafe: ${detail}` });
};

const nameOf = ({ address, port, protocol }: FrontendKey): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}/${protocol}`;
