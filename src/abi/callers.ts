import { CALLER_KEY, CALLER_STATS } from './layout.gen.ts';
import { numberAt, viewOf } from './view.ts';

/** struct caller_key of bpf/abi.h. */
export interface CallerKey {
  /** Id of the cgroup of a container, or whatever else makes sockets: the number of its inode. */
  readonly cgroup: bigint;
  /** Record of the Service port that was asked. */
  readonly service: number;
  readonly serviceGeneration: number;
}

/** struct caller_stats of bpf/abi.h. */
export interface CallerCounts {
  readonly attempts: number;
  readonly established: number;
  /** For whatever reason, before it was established. */
  readonly failed: number;
  readonly closed: number;
  /** Of those that closed: reset, or broken by another error. */
  readonly broken: number;
  readonly rejected: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface CallerEntry extends CallerKey, CallerCounts {}

export const encodeCallerKeys = (keys: readonly CallerKey[]): Uint8Array => {
  const bytes = new Uint8Array(keys.length * CALLER_KEY.size);
  const view = new DataView(bytes.buffer);
  keys.forEach(({ cgroup, service, serviceGeneration }, position) => {
    const base = position * CALLER_KEY.size;
    view.setBigUint64(base + CALLER_KEY.cgroup, cgroup, true);
    view.setUint32(base + CALLER_KEY.service, service, true);
    view.setUint32(base + CALLER_KEY.serviceGeneration, serviceGeneration, true);
  });
  return bytes;
};

export const decodeCallers = (keys: Uint8Array, values: Uint8Array, count: number): readonly CallerEntry[] => {
  const keyView = viewOf(keys);
  const view = viewOf(values);
  return Array.from({ length: count }, (_, position) => {
    const key = position * CALLER_KEY.size;
    const base = position * CALLER_STATS.size;
    const at = (field: number): number => numberAt(view, base + field);
    return {
      cgroup: keyView.getBigUint64(key + CALLER_KEY.cgroup, true),
      service: keyView.getUint32(key + CALLER_KEY.service, true),
      serviceGeneration: keyView.getUint32(key + CALLER_KEY.serviceGeneration, true),
      attempts: at(CALLER_STATS.attempts),
      established: at(CALLER_STATS.established),
      failed: at(CALLER_STATS.failed),
      closed: at(CALLER_STATS.closed),
      broken: at(CALLER_STATS.broken),
      rejected: at(CALLER_STATS.rejected),
      bytesSent: at(CALLER_STATS.bytesSent),
      bytesReceived: at(CALLER_STATS.bytesReceived),
    };
  });
};
