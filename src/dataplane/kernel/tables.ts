import { decodeFrontends, isMeasured, readBackend, readService } from '../../abi/codec.ts';
import {
  isUsed,
  NO_RESPONSES,
  readChosen,
  readConnectLatency,
  readCounters,
  readFirstResponses,
  readQuality,
} from '../../abi/counters.ts';
import { BACKEND, CONNECTION_SET, CONNECTION_WAYS, SERVICE, SLOT, VERDICT_NAMES } from '../../abi/layout.gen.ts';
import { counterAt, loadWord, type RecordMemory, recordMemory } from '../../abi/memory.ts';
import type { Capacity, TableReader } from '../../core/plan/transaction.ts';
import type { BpfMap } from '../../native/map.ts';
import type { StatsReader } from '../dataplane.ts';
import { countLeft } from './left.ts';
import type { LentMemory } from './lent-memory.ts';

/** The tables that are in the agent's memory for as long as it runs. */
export const MAPPED_TABLES = ['slots', 'backends', 'services', 'verdicts', 'event_control', 'event_stats'] as const;
/** Those that it looks at now and then. */
export const LENT_TABLES = ['service_stats', 'backend_stats', 'connections'] as const;

export type MappedTable = (typeof MAPPED_TABLES)[number];
export type LentTable = (typeof LENT_TABLES)[number];
export type Memories = Readonly<Record<MappedTable, RecordMemory>>;
export type LentMemories = Readonly<Record<LentTable, LentMemory>>;

export const createTableReader = (frontends: BpfMap, memory: Memories): TableReader => ({
  capacity: capacityOf(frontends, memory),
  frontends: () => {
    const { keys, values, count } = frontends.readAll();
    return decodeFrontends(keys, values, count);
  },
  slots: (base, count) => {
    const words = SLOT.size >>> 2;
    return memory.slots.words.subarray(base * words, (base + count) * words);
  },
  backend: (index) => readBackend(memory.backends, index),
  service: (index) => readService(memory.services, index),
  backendGeneration: (index) => loadWord(memory.backends, index, BACKEND.generation),
  backendService: (index) => loadWord(memory.backends, index, BACKEND.service),
  serviceGeneration: (index) => loadWord(memory.services, index, SERVICE.generation),
});

export interface CounterTables {
  readonly memory: Pick<Memories, 'verdicts' | 'backends' | 'services'>;
  readonly lent: LentMemories;
  readonly maps: Readonly<Record<'service_stats' | 'backend_stats', BpfMap>>;
}

export const createStatsReader = ({ memory, lent, maps }: CounterTables): StatsReader => ({
  isUsed: (index) => isUsed(lent.service_stats.look(), index),
  service: (index) => {
    const stats = lent.service_stats.look();
    const noneYet = isMeasured(memory.services, index) ? NO_RESPONSES : undefined;
    const firstResponses = readFirstResponses(stats, index) ?? noneYet;
    // Spread into a new object they would take twice the memory, and many times as long: a scrape reads thousands.
    return Object.assign(
      readCounters(stats, index),
      readQuality(stats, index),
      { connectLatency: readConnectLatency(stats, index) },
      firstResponses === undefined ? undefined : { firstResponses },
    );
  },
  backend: (index) => readCounters(lent.backend_stats.look(), index),
  chosen: (index) => readChosen(lent.backend_stats.look(), index),
  single: {
    isUsed: (service) => isUsed(recordAt(maps.service_stats, service), 0),
    chosen: (backend) => readChosen(recordAt(maps.backend_stats, backend), 0),
    rejected: (service) => readCounters(recordAt(maps.service_stats, service), 0).rejected,
  },
  verdicts: () => Object.fromEntries(VERDICT_NAMES.map((name, index) => [name, counterAt(memory.verdicts, index, 0)])),
  left: () => countLeft(lent.connections.look(), memory.backends),
  connections: () => {
    const sets = lent.connections.look();
    return { used: placesUsed(sets), size: sets.length * CONNECTION_WAYS };
  },
});

/** A copy. Each index of an array has a value. */
const recordAt = (map: BpfMap, index: number): RecordMemory => {
  const { valueStride } = map.info;
  const value = map.lookup(new Uint8Array(Uint32Array.of(index).buffer)) ?? new Uint8Array(valueStride);
  return recordMemory(value.buffer as ArrayBuffer, valueStride, 1);
};

const capacityOf = (frontends: BpfMap, memory: Memories): Capacity => ({
  frontends: frontends.info.maxEntries,
  slots: memory.slots.length,
  backends: memory.backends.length,
  services: memory.services.length,
});

/** A place is used while its owner is not 0. */
const placesUsed = (sets: RecordMemory): number => {
  const { words } = sets;
  const setWords = sets.size / 4;
  const ownerWords = CONNECTION_WAYS * 2;
  let used = 0;
  for (let set = CONNECTION_SET.cookie / 4; set < words.length; set += setWords) {
    for (let owner = set; owner < set + ownerWords; owner += 2) {
      if (words[owner] !== 0 || words[owner + 1] !== 0) used++;
    }
  }
  return used;
};
