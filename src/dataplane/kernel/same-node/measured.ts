import { measuredServices } from '../../../abi/codec.ts';
import { ANSWERS, MEASURED_KEY, SERVICE, SERVICE_STATS } from '../../../abi/layout.gen.ts';
import { loadWord, type RecordMemory } from '../../../abi/memory.ts';
import type { BpfMap } from '../../../native/map.ts';
import type { Loaded } from '../load.ts';

/** Of Services whose first responses are measured: their entries in the table of bpf/same-node/tables.h. */
export const measuredKeys = (services: RecordMemory): Uint32Array =>
  Uint32Array.from(
    [...measuredServices(services)].flatMap((index) => [index, loadWord(services, index, SERVICE.generation)]),
  );

/** Makes the table hold these and no others. */
export const applyMeasured = (table: BpfMap, wanted: Uint32Array): void => {
  const keys = new Uint8Array(wanted.buffer);
  const names = new Set(namesOf(keys));
  const held = table.readAll().keys;
  const gone = namesOf(held).flatMap((name, index) => (names.has(name) ? [] : [keyAt(held, index)]));
  if (gone.length > 0) table.delete(Buffer.concat(gone), gone.length);
  const count = keys.length / MEASURED_KEY.size;
  if (count > 0) table.update(keys, new Uint8Array(count * 4), count);
};

export interface AnswerTables {
  readonly answers: BpfMap;
  readonly answers_accounted: BpfMap;
}

/** Adds first responses that were redirected since the last time to the histograms of Services: as `account` adds bytes. */
export const accountAnswers = (
  { answers, answers_accounted }: AnswerTables,
  { memory, lent }: Pick<Loaded, 'memory' | 'lent'>,
): void => {
  const now = answers.readAll();
  if (now.count === 0) return;
  const before = answers_accounted.readAll();
  const known = new Map(namesOf(before.keys).map((name, index) => [name, valueAt(before.values, index)]));
  for (const [position, name] of namesOf(now.keys).entries()) {
    const key = keyAt(now.keys, position);
    const value = valueAt(now.values, position);
    const last = known.get(name);
    const [index = 0, generation] = new Uint32Array(key.buffer);
    if (index >= memory.services.length || loadWord(memory.services, index, SERVICE.generation) !== generation) {
      answers.delete(key, 1);
      if (last !== undefined) answers_accounted.delete(key, 1);
      continue;
    }
    if (last !== undefined && Buffer.compare(last, value) === 0) continue;
    answers_accounted.update(key, value, 1);
    addGrowth(lent.service_stats.look(), index, last, value);
  }
};

/** The two records have the sum and its buckets in one order. */
const addGrowth = ({ bytes }: RecordMemory, index: number, last: Uint8Array | undefined, value: Uint8Array): void => {
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / WORD_BYTES);
  const at = (index * SERVICE_STATS.size + SERVICE_STATS.firstResponseNs) / WORD_BYTES;
  const before = last === undefined ? undefined : new BigUint64Array(last.buffer);
  for (const [word, now] of new BigUint64Array(value.buffer).entries()) {
    const growth = now - (before?.[word] ?? 0n);
    if (growth > 0n) Atomics.add(words, at + word, growth);
  }
};

const WORD_BYTES = 8;

const keyAt = (keys: Uint8Array, index: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(keys.subarray(index * MEASURED_KEY.size, (index + 1) * MEASURED_KEY.size));

const valueAt = (values: Uint8Array, index: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(values.subarray(index * ANSWERS.size, (index + 1) * ANSWERS.size));

const namesOf = (keys: Uint8Array): readonly string[] =>
  Array.from({ length: keys.length / MEASURED_KEY.size }, (_, index) =>
    Buffer.from(keys.buffer, keys.byteOffset + index * MEASURED_KEY.size, MEASURED_KEY.size).toString('latin1'),
  );
