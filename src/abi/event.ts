import { fromBytes } from '../core/model/address.ts';
import { EVENT, EVENT_OUTCOME_NAMES } from './layout.gen.ts';
import { protocolName } from './protocol.ts';
import { numberAt, viewOf } from './view.ts';

export type EventOutcome = (typeof EVENT_OUTCOME_NAMES)[number];

/** struct event of bpf/abi.h. Bytes and times that are not known are 0. */
export interface EventRecord {
  /** On the monotonic clock of the kernel. */
  readonly atNs: bigint;
  /** Id of the cgroup of the socket; 0 where nobody knows. */
  readonly cgroup: bigint;
  readonly outcome: EventOutcome;
  readonly protocol: 'TCP' | 'UDP';
  /** Record of the Service port that was asked. */
  readonly service: number;
  readonly serviceGeneration: number;
  readonly address: string;
  readonly port: number;
  /** Where it was sent; undefined where it was rejected. */
  readonly endpoint: { readonly address: string; readonly port: number } | undefined;
  readonly connectNs: number;
  readonly lastedNs: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The record that begins at this byte. */
export const decodeEvent = (bytes: Uint8Array, at: number): EventRecord => {
  const view = viewOf(bytes.subarray(at, at + EVENT.size));
  const backendPort = view.getUint16(EVENT.backendPort);
  return {
    atNs: view.getBigUint64(EVENT.atNs, true),
    cgroup: view.getBigUint64(EVENT.cgroup, true),
    outcome: EVENT_OUTCOME_NAMES[view.getUint8(EVENT.outcome)] ?? 'broken',
    protocol: protocolName(view.getUint8(EVENT.protocol)),
    service: view.getUint32(EVENT.service, true),
    serviceGeneration: view.getUint32(EVENT.serviceGeneration, true),
    address: fromBytes(bytes, at + EVENT.serviceAddress),
    port: view.getUint16(EVENT.servicePort),
    endpoint:
      backendPort === 0 ? undefined : { address: fromBytes(bytes, at + EVENT.backendAddress), port: backendPort },
    connectNs: numberAt(view, EVENT.connectNs),
    lastedNs: numberAt(view, EVENT.lastedNs),
    bytesSent: numberAt(view, EVENT.bytesSent),
    bytesReceived: numberAt(view, EVENT.bytesReceived),
  };
};
