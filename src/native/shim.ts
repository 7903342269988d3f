import { createRequire } from 'node:module';
import type { LibraryHandle } from 'koffi';
import { ShuntError } from '../errors.ts';
import { kernelError } from './kernel-error.ts';
import { findLibrary } from './library.ts';

/**
 * Every call of native/shim.h, word for word. koffi believes what stands here and checks neither pointers nor ranges,
 * so the other files of this folder check each argument before they call.
 */
export const PROTOTYPES = {
  abiVersion: 'int shunt_abi_version(void)',
  lastError: 'int shunt_last_error(void *buffer, size_t n)',
  objectOpen: 'int shunt_object_open(const void *bytes, size_t n, const char *name)',
  objectClose: 'int shunt_object_close(int handle)',
  objectSetConstant: 'int shunt_object_set_constant(int handle, const char *variable, const void *bytes, size_t n)',
  objectSetMapSize: 'int shunt_object_set_map_size(int handle, const char *map, uint32_t max_entries)',
  objectSetAutoload: 'int shunt_object_set_autoload(int handle, const char *program, int on)',
  objectReuseMap: 'int shunt_object_reuse_map(int handle, const char *map, int fd)',
  objectLoad: 'int shunt_object_load(int handle)',
  objectMapFd: 'int shunt_object_map_fd(int handle, const char *map)',
  objectProgramFd: 'int shunt_object_program_fd(int handle, const char *program)',
  close: 'int shunt_close(int fd)',
  pin: 'int shunt_pin(int fd, const char *path)',
  openPinned: 'int shunt_open_pinned(const char *path)',
  mapFdById: 'int shunt_map_fd_by_id(uint32_t id)',
  mapInfo: 'int shunt_map_info(int fd, uint32_t *out)',
  mapLookup: 'int shunt_map_lookup(int fd, const void *key, void *value)',
  mapUpdate: 'int shunt_map_update(int fd, const void *keys, const void *values, uint32_t n, uint64_t flags)',
  mapDelete: 'int shunt_map_delete(int fd, const void *keys, uint32_t n)',
  mapRead: 'int shunt_map_read(int fd, void *cursor, void *keys, void *values, uint32_t n)',
  mapMmap: 'int shunt_map_mmap(int fd, size_t length, int writable, uint64_t *address)',
  munmap: 'int shunt_munmap(uint64_t address, size_t length)',
  ringOpen: 'int shunt_ring_open(int map_fd)',
  ringRead: 'int shunt_ring_read(int handle, void *records, size_t size, uint32_t n)',
  ringClose: 'int shunt_ring_close(int handle)',
  programFdById: 'int shunt_program_fd_by_id(uint32_t id)',
  programInfo: 'int shunt_program_info(int fd, uint64_t *out)',
  programName: 'int shunt_program_name(int fd, void *buffer, size_t n)',
  programMapIds: 'int shunt_program_map_ids(int fd, uint32_t *ids, uint32_t n)',
  cgroupPrograms: 'int shunt_cgroup_programs(const char *cgroup, int attach_type, uint32_t *ids, uint32_t n)',
  programRun: 'int64_t shunt_program_run(int fd, void *context, size_t n)',
  attachCgroup: 'int shunt_attach_cgroup(int program_fd, const char *cgroup, int attach_type)',
  attachTracepoint: 'int shunt_attach_tracepoint(int program_fd)',
  attachMessages: 'int shunt_attach_messages(int program_fd, int map_fd)',
  linkUpdate: 'int shunt_link_update(int link_fd, int program_fd)',
  linkDetach: 'int shunt_link_detach(int link_fd)',
  linkProgramId: 'int64_t shunt_link_program_id(int fd)',
  linkCgroupId: 'int64_t shunt_link_cgroup_id(int fd)',
  attachWalk: 'int shunt_attach_walk(int program_fd, int map_fd)',
  openWalk: 'int shunt_open_walk(int link_fd)',
  finishWalk: 'int64_t shunt_finish_walk(int walk_fd, size_t step)',
  endSockets: 'int shunt_end_sockets(const char *directory, int map_fd, int link_fd)',
  probeEndSockets: 'int shunt_probe_end_sockets(int map_fd, int link_fd)',
  enableStats: 'int shunt_enable_stats(void)',
  mountBpffs: 'int shunt_mount_bpffs(const char *path)',
  isBpffs: 'int shunt_is_bpffs(const char *path)',
  lock: 'int shunt_lock(const char *directory)',
  waitPrograms: 'int shunt_wait_programs(void)',
  possibleCpus: 'int shunt_possible_cpus(void)',
  trimMemory: 'int shunt_trim_memory(void)',
  unmapCleanPages: 'int shunt_unmap_clean_pages(void)',
  setRlimitMemlock: 'int shunt_set_rlimit_memlock(void)',
} as const;

export type Call = keyof typeof PROTOTYPES;
type Value = number | bigint | string | Uint8Array | Uint32Array | BigUint64Array;

/** SHUNT_ABI_VERSION in native/shim.h. */
const ABI_VERSION = 7;

/** Makes a call and returns its result, which is >= 0; throws SHUNT_E_KERNEL with the last error's text otherwise. */
export const call = (name: Call, ...values: readonly Value[]): number => {
  const result = callable(name)(...values);
  if (result < 0) throw kernelError(name, -result, lastErrorText());
  return result;
};

/** The same on another thread. Takes no buffers: koffi copies numbers and texts, but would not keep those alive meanwhile. */
export const callAsync = (name: Call, ...values: readonly (number | string)[]): Promise<number> =>
  new Promise((resolve, reject) => {
    callable(name).async(...values, (error: unknown, result: number) => {
      if (error !== null && error !== undefined) reject(error);
      // The text of the error stays on the thread that failed.
      else if (result < 0) reject(kernelError(name, -result, ''));
      else resolve(result);
    });
  });

/** Why the last call failed or stopped half-way: libbpf's warnings with the end of the verifier log. Empty if it did not. */
export const lastErrorText = (): string => {
  const text = new Uint8Array(TEXT_BYTES_MAX);
  const length = callable('lastError')(text, text.length);
  return Buffer.from(text.buffer, 0, Math.max(0, length)).toString('utf8').trimEnd();
};

/** What the shim keeps (TEXT_MAX in native/error.c), and the closing 0. */
const TEXT_BYTES_MAX = 16384 + 1;

/** Memory at an address of our own process, as it is and not as a copy. */
export const viewMemory = (address: bigint, bytes: number): ArrayBuffer => loaded().koffi.view(address, bytes);

type Koffi = typeof import('koffi');

interface Callable {
  (...values: readonly Value[]): number;
  async(...valuesAndCallback: readonly unknown[]): void;
}

interface Shim {
  readonly koffi: Koffi;
  readonly library: LibraryHandle;
  readonly functions: Map<Call, Callable>;
}

const callable = (name: Call): Callable => {
  const shim = loaded();
  let found = shim.functions.get(name);
  if (found === undefined) {
    found = shim.library.func(PROTOTYPES[name]) as Callable;
    shim.functions.set(name, found);
  }
  return found;
};

let shim: Shim | undefined;

/** Loaded at the first call, so that verbs that need no kernel need no library either. */
const loaded = (): Shim => {
  shim ??= load(findLibrary());
  return shim;
};

const load = (path: string): Shim => {
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    const library = koffi.load(path);
    const version: number = library.func(PROTOTYPES.abiVersion)();
    if (version !== ABI_VERSION)
      throw new Error(`it has interface version ${version}, this program needs ${ABI_VERSION}`);
    return { koffi, library, functions: new Map() };
  } catch (error) {
    throw new ShuntError('SHUNT_E_SHIM_LOAD', { detail: `${path}: ${(error as Error).message}` }, { cause: error });
  }
};
