import { fromBytes } from '../core/model/address.ts';
import { CONNECTION, CONNECTION_OVERFLOW, CONNECTION_STATE } from './layout.gen.ts';
import { PROTOCOL_NUMBER } from './protocol.ts';
import { numberAt, viewOf } from './view.ts';

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

const RECORD = CONNECTION_OVERFLOW;

/** A record of exactly RECORD.size bytes. Cookies are counted upwards from 1: no machine comes to 2^53. */
export const decodeConnection = (record: Uint8Array): RememberedConnection => {
  const view = viewOf(record);
  const at = (field: number): number => RECORD.connection + field;
  return {
    cookie: numberAt(view, RECORD.cookie),
    address: fromBytes(record, at(CONNECTION.backendAddress)),
    port: view.getUint16(at(CONNECTION.backendPort)),
    backend: view.getUint32(at(CONNECTION.backend), true),
    backendGeneration: view.getUint32(at(CONNECTION.backendGeneration), true),
    service: view.getUint32(at(CONNECTION.service), true),
    serviceGeneration: view.getUint32(at(CONNECTION.serviceGeneration), true),
  };
};

/** Of a record of exactly RECORD.size bytes. */
export const cookieOfConnection = (record: Uint8Array): bigint => viewOf(record).getBigUint64(RECORD.cookie, true);

/** Whether the connection that begins at this byte is a TCP one whose application has closed its socket. */
export const isReleasedConnection = (bytes: Uint8Array, connection: number): boolean =>
  bytes[connection + CONNECTION.protocol] === PROTOCOL_NUMBER.TCP && bytes[connection + CONNECTION.released] !== 0;

/** Whether the connection that begins at this byte is that of a connected UDP socket. */
export const isDatagramConnection = (bytes: Uint8Array, connection: number): boolean =>
  bytes[connection + CONNECTION.protocol] === PROTOCOL_NUMBER.UDP &&
  bytes[connection + CONNECTION.state] === CONNECTION_STATE.ACTIVE;

export const isLiveConnection = (bytes: Uint8Array, connection: number): boolean =>
  bytes[connection + CONNECTION.state] !== CONNECTION_STATE.FREE;

/** Of a record of exactly RECORD.size bytes: whether its connection is still being made. */
export const isPendingRecord = (record: Uint8Array): boolean =>
  record[RECORD.connection + CONNECTION.state] === CONNECTION_STATE.PENDING;
