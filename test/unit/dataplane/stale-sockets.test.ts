import { describe, expect, test } from 'vitest';
import {
  BACKEND,
  CONNECTION,
  CONNECTION_OVERFLOW,
  CONNECTION_SET,
  CONNECTION_STATE,
  CONNECTION_WAYS,
} from '../../../src/abi/layout.gen.ts';
import { type RecordMemory, recordMemory, storeWord } from '../../../src/abi/memory.ts';
import { toBytes } from '../../../src/core/model/address.ts';
import { countLeft } from '../../../src/dataplane/kernel/left.ts';
import { findStaleSockets } from '../../../src/dataplane/kernel/stale-sockets.ts';

const UDP = 17;
const TCP = 6;
const SETS = 10_000;
const GENERATION = 3;

const memory = (size: number, length: number): RecordMemory =>
  recordMemory(new ArrayBuffer(size * length), size, length);

/** Backend 0 is what it was, backend 1 has been retired. */
const tables = () => {
  const connections = memory(CONNECTION_SET.size, SETS);
  const backends = memory(BACKEND.size, 2);
  storeWord(backends, 0, BACKEND.generation, GENERATION);
  storeWord(backends, 1, BACKEND.generation, GENERATION + 1);
  return { connections, backends };
};

interface Fields {
  readonly cookie: number;
  readonly backend?: number;
  readonly protocol?: number;
  readonly state?: number;
}

const writeConnection = (
  bytes: Uint8Array,
  at: number,
  { backend = 1, protocol = UDP, state = CONNECTION_STATE.ACTIVE }: Fields,
) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  toBytes('10.1.0.1', bytes, at + CONNECTION.backendAddress);
  view.setUint16(at + CONNECTION.backendPort, 53);
  bytes[at + CONNECTION.protocol] = protocol;
  bytes[at + CONNECTION.state] = state;
  view.setUint32(at + CONNECTION.service, 7, true);
  view.setUint32(at + CONNECTION.serviceGeneration, 9, true);
  view.setUint32(at + CONNECTION.backend, backend, true);
  view.setUint32(at + CONNECTION.backendGeneration, GENERATION, true);
};

const place = ({ bytes, size }: RecordMemory, set: number, way: number, fields: Fields): void => {
  const view = new DataView(bytes.buffer);
  view.setBigUint64(set * size + CONNECTION_SET.cookie + way * 8, BigInt(fields.cookie), true);
  writeConnection(bytes, set * size + CONNECTION_SET.way + way * CONNECTION.size, fields);
};

const overflowRecord = (fields: Fields): Uint8Array => {
  const record = new Uint8Array(CONNECTION_OVERFLOW.size);
  new DataView(record.buffer).setBigUint64(CONNECTION_OVERFLOW.cookie, BigInt(fields.cookie), true);
  writeConnection(record, CONNECTION_OVERFLOW.connection, fields);
  return record;
};

const find = (
  { connections, backends }: ReturnType<typeof tables>,
  overflow: () => Uint8Array = () => new Uint8Array(0),
) => findStaleSockets({ connections: () => connections, backends: () => backends, overflow: async () => overflow() });

describe('a connection', () => {
  test.each<{ title: string; fields: Fields; stale: boolean }>([
    { title: 'of UDP to a backend that was retired', fields: { cookie: 2 ** 40 + 1 }, stale: true },
    { title: 'to a backend that is what it was', fields: { cookie: 1, backend: 0 }, stale: false },
    { title: 'of TCP', fields: { cookie: 1, protocol: TCP }, stale: false },
    { title: 'that is pending', fields: { cookie: 1, state: CONNECTION_STATE.PENDING }, stale: false },
    { title: 'whose place was given back', fields: { cookie: 0 }, stale: false },
    { title: 'that leads outside of the tables', fields: { cookie: 1, backend: 2 }, stale: false },
  ])('$title: stale is $stale', async ({ fields, stale }) => {
    const all = tables();
    place(all.connections, 1, 2, fields);
    const socket = { cookie: fields.cookie, address: '10.1.0.1', port: 53, backend: 1, backendGeneration: GENERATION };
    const wanted = stale ? [{ ...socket, service: 7, serviceGeneration: 9 }] : [];
    expect(await find(all)).toEqual(wanted);
    if (fields.cookie !== 0) expect(await find(tables(), () => overflowRecord(fields))).toEqual(wanted);
  });
});

test('what lives of connections to a backend that was retired is counted, pending or active, of any protocol', () => {
  const all = tables();
  const fields: Fields[] = [
    { cookie: 1 },
    { cookie: 2, protocol: TCP },
    { cookie: 3, protocol: TCP, state: CONNECTION_STATE.PENDING },
    { cookie: 4, protocol: TCP, state: CONNECTION_STATE.FREE },
    { cookie: 5, backend: 0 },
    { cookie: 0 },
  ];
  for (const [set, each] of fields.entries()) place(all.connections, set * 1500, set % CONNECTION_WAYS, each);
  expect(countLeft(all.connections, all.backends)).toEqual([
    { service: 7, serviceGeneration: 9, address: '10.1.0.1', port: 53, active: 2, pending: 1 },
  ]);
});

test('every place is looked at, once', async () => {
  const all = tables();
  const cookies = Array.from({ length: SETS * CONNECTION_WAYS }, (_, index) => index + 1);
  for (const cookie of cookies) {
    const index = cookie - 1;
    place(all.connections, Math.floor(index / CONNECTION_WAYS), index % CONNECTION_WAYS, { cookie });
  }
  expect((await find(all)).map(({ cookie }) => cookie)).toEqual(cookies);
});

test('what changes while it is read is left for the next time', async () => {
  const all = tables();
  place(all.connections, 0, 0, { cookie: 1 });
  place(all.connections, SETS - 1, 3, { cookie: 2 });
  const overflow = [overflowRecord({ cookie: 3 }), overflowRecord({ cookie: 4 })];
  let reads = 0;
  const found = await find(all, () => {
    reads += 1;
    // Another socket takes the first place, and one in socket storage is on its way elsewhere.
    place(all.connections, 0, 0, { cookie: 5 });
    return Buffer.concat(reads === 1 ? overflow : [overflow[0]!, overflowRecord({ cookie: 4, backend: 0 })]);
  });
  expect(found.map(({ cookie }) => cookie).sort()).toEqual([2, 3]);
});
