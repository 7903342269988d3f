import { fromBytes, toBytes } from '../core/model/address.ts';
import type { ChoiceRule } from '../core/model/desired.ts';
import type { Algorithm } from '../core/model/objects.ts';
import type { BackendWrite, FrontendKey, FrontendWrite, ServiceWrite } from '../core/plan/transaction.ts';
import { frontendCheck } from './frontend-check.ts';
import {
  ALGORITHM,
  BACKEND,
  ENDING,
  FRONTEND,
  FRONTEND_ARMS,
  FRONTEND_KEY,
  FRONTEND_LEVELS_SHIFT,
  SCOPE,
  SCOPE_VARIANT_SHIFT,
  SERVICE,
  SERVICE_HASH_SOURCE,
  SERVICE_MEASURED,
  SLOT,
} from './layout.gen.ts';
import { loadWord, type RecordMemory, storeWord } from './memory.ts';
import { PROTOCOL_NUMBER, protocolName } from './protocol.ts';

/**
 * Records of bpf/abi.h to and from values. Ports are big-endian (`__be16`), everything else is native. What is optional
 * in a value is absent where the record has nothing to say, so that values that say the same are equal.
 */

const SCOPE_NUMBER = { cluster: SCOPE.CLUSTER, external: SCOPE.EXTERNAL } as const;
const ALGORITHM_NUMBER: Readonly<Record<Algorithm, number>> = {
  WeightedRandom: ALGORITHM.WEIGHTED_RANDOM,
  RoundRobin: ALGORITHM.ROUND_ROBIN,
  LeastConnections: ALGORITHM.LEAST_CONNECTIONS,
  PeakEwma: ALGORITHM.PEAK_EWMA,
  Maglev: ALGORITHM.MAGLEV,
};
const ALGORITHMS = Object.keys(ALGORITHM_NUMBER) as readonly Algorithm[];

export const writeBackend = (memory: RecordMemory, backend: BackendWrite): void => {
  const { bytes, size } = memory;
  const base = backend.index * size;
  toBytes(backend.address, bytes, base + BACKEND.address);
  writePort(bytes, base + BACKEND.port, backend.port);
  bytes[base + BACKEND.protocol] = PROTOCOL_NUMBER[backend.protocol];
  storeWord(memory, backend.index, BACKEND.weight, backend.weight);
  storeWord(memory, backend.index, BACKEND.service, backend.service);
  storeWord(memory, backend.index, BACKEND.generation, backend.generation);
};

export const readBackend = (memory: RecordMemory, index: number): BackendWrite => {
  const base = index * memory.size;
  return {
    index,
    address: fromBytes(memory.bytes, base + BACKEND.address),
    port: readPort(memory.bytes, base + BACKEND.port),
    protocol: protocolName(memory.bytes[base + BACKEND.protocol]),
    generation: loadWord(memory, index, BACKEND.generation),
    weight: loadWord(memory, index, BACKEND.weight),
    service: loadWord(memory, index, BACKEND.service),
  };
};

export const writeWeight = (memory: RecordMemory, index: number, weight: number): void =>
  storeWord(memory, index, BACKEND.weight, weight);

/** Odd -> even: whoever remembered this record knows that it is gone. */
export const retireBackend = (memory: RecordMemory, index: number): void =>
  storeWord(memory, index, BACKEND.generation, loadWord(memory, index, BACKEND.generation) + 1);

export const retireService = (memory: RecordMemory, index: number): void =>
  storeWord(memory, index, SERVICE.generation, loadWord(memory, index, SERVICE.generation) + 1);

export const writeService = (memory: RecordMemory, service: ServiceWrite): void => {
  storeWord(memory, service.index, SERVICE.identity, service.identity[0]);
  storeWord(memory, service.index, SERVICE.identity + 4, service.identity[1]);
  storeWord(memory, service.index, SERVICE.affinityTimeoutS, service.affinityTimeoutS);
  storeWord(memory, service.index, SERVICE.flags, flagsOf(service));
  storeWord(memory, service.index, SERVICE.algorithm, ALGORITHM_NUMBER[service.choice?.algorithm ?? 'WeightedRandom']);
  storeWord(memory, service.index, SERVICE.generation, service.generation);
};

export const readService = (memory: RecordMemory, index: number): ServiceWrite => {
  const algorithm = loadWord(memory, index, SERVICE.algorithm);
  const flags = loadWord(memory, index, SERVICE.flags);
  return {
    index,
    identity: [loadWord(memory, index, SERVICE.identity), loadWord(memory, index, SERVICE.identity + 4)],
    generation: loadWord(memory, index, SERVICE.generation),
    affinityTimeoutS: loadWord(memory, index, SERVICE.affinityTimeoutS),
    ...((algorithm !== ALGORITHM.WEIGHTED_RANDOM || (flags & SERVICE_HASH_SOURCE) !== 0) && {
      choice: choiceOf(algorithm, flags),
    }),
    ...((flags & SERVICE_MEASURED) !== 0 && { measured: true as const }),
  };
};

/** Records of Services in use whose first responses are measured. */
export function* measuredServices(services: RecordMemory): Generator<number> {
  for (let index = 0; index < services.length; index++) {
    const isUsed = loadWord(services, index, SERVICE.generation) % 2 === 1;
    if (isUsed && isMeasured(services, index)) yield index;
  }
}

export const isMeasured = (services: RecordMemory, index: number): boolean =>
  (loadWord(services, index, SERVICE.flags) & SERVICE_MEASURED) !== 0;

const flagsOf = ({ choice, measured }: ServiceWrite): number =>
  (choice?.hashOn === 'SourceAddress' ? SERVICE_HASH_SOURCE : 0) | (measured === true ? SERVICE_MEASURED : 0);

/** What no agent wrote is chosen from as programs do: at random. */
const choiceOf = (algorithm: number, flags: number): ChoiceRule => ({
  algorithm: ALGORITHMS.find((name) => ALGORITHM_NUMBER[name] === algorithm) ?? 'WeightedRandom',
  hashOn: (flags & SERVICE_HASH_SOURCE) !== 0 ? 'SourceAddress' : 'Pod',
});

export const readSlot = (
  memory: RecordMemory,
  index: number,
): { readonly threshold: number; readonly backend: number; readonly alias: number; readonly until: number } => ({
  threshold: loadWord(memory, index, SLOT.threshold),
  backend: loadWord(memory, index, SLOT.backend),
  alias: loadWord(memory, index, SLOT.alias),
  until: loadWord(memory, index, SLOT.until),
});

export const encodeFrontendKeys = (keys: readonly FrontendKey[]): Uint8Array => {
  const bytes = new Uint8Array(keys.length * FRONTEND_KEY.size);
  const words = asWords(bytes);
  keys.forEach(({ address, port, protocol, client }, position) => {
    const base = position * FRONTEND_KEY.size;
    toBytes(address, bytes, base + FRONTEND_KEY.address);
    writePort(bytes, base + FRONTEND_KEY.port, port);
    bytes[base + FRONTEND_KEY.protocol] = PROTOCOL_NUMBER[protocol];
    if (client !== undefined) writeClient(words, (base + FRONTEND_KEY.client) >>> 2, client);
  });
  return bytes;
};

/** What sockets are connected to: the values of the table in bpf/endings.bpf.c. */
export const encodeEndings = (peers: readonly { readonly address: string; readonly port: number }[]): Uint8Array => {
  const bytes = new Uint8Array(peers.length * ENDING.size);
  peers.forEach(({ address, port }, position) => {
    toBytes(address, bytes, position * ENDING.size + ENDING.address);
    writePort(bytes, position * ENDING.size + ENDING.port, port);
  });
  return bytes;
};

export const encodeFrontends = (
  frontends: readonly FrontendWrite[],
): { readonly keys: Uint8Array; readonly values: Uint8Array } => {
  const keys = encodeFrontendKeys(frontends);
  const keyWords = asWords(keys);
  const words = new Uint32Array((frontends.length * FRONTEND.size) >>> 2);
  frontends.forEach((frontend, position) => {
    const base = (position * FRONTEND.size) >>> 2;
    words[base + (FRONTEND.service >>> 2)] = frontend.service;
    words[base + (FRONTEND.slotBase >>> 2)] = frontend.slotBase;
    words[base + (FRONTEND.slotCount >>> 2)] = frontend.slotCount;
    words[base + (FRONTEND.scope >>> 2)] =
      SCOPE_NUMBER[frontend.scope] | ((frontend.variant ?? 0) << SCOPE_VARIANT_SHIFT);
    words[base + (FRONTEND.flags >>> 2)] =
      (frontend.arms === true ? FRONTEND_ARMS : 0) | ((frontend.clientLevels ?? 0) << FRONTEND_LEVELS_SHIFT);
    const key = (position * FRONTEND_KEY.size) >>> 2;
    words[base + (FRONTEND.check >>> 2)] = frontendCheck(keyWords, key, words, base);
  });
  return { keys, values: new Uint8Array(words.buffer) };
};

/** A value whose sum is wrong leads to no Service: programs refuse it, and planning finds it broken. */
export function* decodeFrontends(keys: Uint8Array, values: Uint8Array, count: number): Generator<FrontendWrite> {
  const keyWords = asWords(keys);
  const words = asWords(values);
  for (let position = 0; position < count; position++) {
    const key = position * FRONTEND_KEY.size;
    const base = (position * FRONTEND.size) >>> 2;
    const isWhole = words[base + (FRONTEND.check >>> 2)] === frontendCheck(keyWords, key >>> 2, words, base);
    const client = readClient(keyWords, (key + FRONTEND_KEY.client) >>> 2);
    const scope = words[base + (FRONTEND.scope >>> 2)] as number;
    const flags = words[base + (FRONTEND.flags >>> 2)] as number;
    const variant = scope >>> SCOPE_VARIANT_SHIFT;
    const clientLevels = flags >>> FRONTEND_LEVELS_SHIFT;
    yield {
      address: fromBytes(keys, key + FRONTEND_KEY.address),
      port: readPort(keys, key + FRONTEND_KEY.port),
      protocol: protocolOfKey(keys[key + FRONTEND_KEY.protocol]),
      ...(client !== 0n && { client }),
      service: isWhole ? (words[base + (FRONTEND.service >>> 2)] as number) : NO_SERVICE,
      slotBase: words[base + (FRONTEND.slotBase >>> 2)] as number,
      slotCount: words[base + (FRONTEND.slotCount >>> 2)] as number,
      scope: (scope & SCOPE.EXTERNAL) !== 0 ? 'external' : 'cluster',
      ...(variant !== 0 && { variant }),
      ...((flags & FRONTEND_ARMS) !== 0 && { arms: true as const }),
      ...(clientLevels !== 0 && { clientLevels }),
    };
  }
}

/** Beyond any table. */
const NO_SERVICE = 0xffff_ffff;

const asWords = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);

const protocolOfKey = (number: number | undefined): FrontendKey['protocol'] =>
  number === PROTOCOL_NUMBER.ANY ? 'ANY' : protocolName(number);

const writeClient = (words: Uint32Array, at: number, client: bigint): void => {
  words[at] = Number(client & 0xffff_ffffn);
  words[at + 1] = Number(client >> 32n);
};

const readClient = (words: Uint32Array, at: number): bigint =>
  (BigInt(words[at + 1] as number) << 32n) | BigInt(words[at] as number);

const writePort = (bytes: Uint8Array, offset: number, port: number): void => {
  bytes[offset] = port >>> 8;
  bytes[offset + 1] = port & 0xff;
};

const readPort = (bytes: Uint8Array, offset: number): number =>
  ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
