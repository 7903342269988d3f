import { fromBytes } from '../core/model/address.ts';
import { CONNECTION, CONNECTION_OVERFLOW, CONNECTION_STATE } from './layout.gen.ts';

/** What a socket remembers of its connection (struct connection_overflow of bpf/abi.h: its cookie and its connection). */
export interface RememberedConnection {
  /** Tells sockets apart for as long as the machine runs. */
  readonly cookie: number;
  /** Of the backend. */
  readonly address: string;
  readonly port: number;
  readonly backend: number;
  readonly backendGeneration: number;
  readonly service: number;
  readonly serviceGeneration: number;
}

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const RECORD = CONNECTION_OVERFLOW;

/** A record of exactly RECORD.size bytes. Cookies are counted upwards from 1: no machine comes to 2^53. */
export const decodeConnection = (record: Uint8Array): RememberedConnection => {
  const view = new DataView(record.buffer, record.byteOffset, RECORD.size);
  const at = (field: number): number => RECORD.connection + field;
  return {
    cookie: Number(view.getBigUint64(RECORD.cookie, true)),
    address: fromBytes(record, at(CONNECTION.backendAddress)),
    port: view.getUint16(at(CONNECTION.backendPort)),
    backend: view.getUint32(at(CONNECTION.backend), true),
    backendGeneration: view.getUint32(at(CONNECTION.backendGeneration), true),
    service: view.getUint32(at(CONNECTION.service), true),
    serviceGeneration: view.getUint32(at(CONNECTION.serviceGeneration), true),
  };
};

/** Of a record of exactly RECORD.size bytes. */
export const cookieOfConnection = (record: Uint8Array): bigint =>
  new DataView(record.buffer, record.byteOffset, RECORD.size).getBigUint64(RECORD.cookie, true);

/** Whether the connection that begins at this byte is a TCP one whose application has closed its socket. */
export const isReleasedConnection = (bytes: Uint8Array, connection: number): boolean =>
  bytes[connection + CONNECTION.protocol] === IPPROTO_TCP && bytes[connection + CONNECTION.released] !== 0;

/** Whether the connection that begins at this byte is that of a connected UDP socket. */
export const isDatagramConnection = (bytes: Uint8Array, connection: number): boolean =>
  bytes[connection + CONNECTION.protocol] === IPPROTO_UDP &&
  bytes[connection + CONNECTION.state] === CONNECTION_STATE.ACTIVE;

export const isLiveConnection = (bytes: Uint8Array, connection: number): boolean =>
  bytes[connection + CONNECTION.state] !== CONNECTION_STATE.FREE;

/** Of a record of exactly RECORD.size bytes: whether its connection is still being made. */
export const isPendingRecord = (record: Uint8Array): boolean =>
  record[RECORD.connection + CONNECTION.state] === CONNECTION_STATE.PENDING;
