import { CALLER_KEY, CALLER_STATS } from './layout.gen.ts';

/** struct caller_key and struct caller_stats of bpf/abi.h as `CallerEntry` of src/dataplane/dataplane.ts. */
export interface CallerRecord extends CallerId {
  readonly attempts: number;
  readonly established: number;
  readonly failed: number;
  readonly closed: number;
  readonly broken: number;
  readonly rejected: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface CallerId {
  readonly cgroup: bigint;
  readonly service: number;
  readonly serviceGeneration: number;
}

export const encodeCallerKeys = (keys: readonly CallerId[]): Uint8Array => {
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

/** Counters are exact up to 2^53. */
export const decodeCallers = (keys: Uint8Array, values: Uint8Array, count: number): readonly CallerRecord[] => {
  const keyView = viewOf(keys);
  const view = viewOf(values);
  return Array.from({ length: count }, (_, position) => {
    const key = position * CALLER_KEY.size;
    const base = position * CALLER_STATS.size;
    const at = (field: number): number =>
      view.getUint32(base + field + 4, true) * 0x1_0000_0000 + view.getUint32(base + field, true);
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

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
