import { expect, test } from 'vitest';
import { decodeEvent } from '../../../src/abi/event.ts';
import { EVENT, EVENT_OUTCOME } from '../../../src/abi/layout.gen.ts';

/** The second of two records. */
const record = (fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array => {
  const bytes = new Uint8Array(2 * EVENT.size);
  fill(new DataView(bytes.buffer, EVENT.size), bytes.subarray(EVENT.size));
  return bytes;
};

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

test('a record of a connection is read with every field', () => {
  const bytes = record((view, own) => {
    view.setBigUint64(EVENT.atNs, 2n ** 60n, true);
    view.setBigUint64(EVENT.cgroup, 2n ** 63n + 5n, true);
    view.setBigUint64(EVENT.connectNs, 42_000n, true);
    view.setBigUint64(EVENT.lastedNs, 7_000_000_000n, true);
    view.setBigUint64(EVENT.bytesSent, 2n ** 40n, true);
    view.setBigUint64(EVENT.bytesReceived, 3n, true);
    own.set([...MAPPED, 10, 96, 0, 5], EVENT.serviceAddress);
    own.set([...MAPPED, 10, 244, 0, 3], EVENT.backendAddress);
    view.setUint32(EVENT.service, 77, true);
    view.setUint32(EVENT.serviceGeneration, 9, true);
    view.setUint16(EVENT.servicePort, 80);
    view.setUint16(EVENT.backendPort, 8080);
    view.setUint8(EVENT.protocol, 6);
    view.setUint8(EVENT.outcome, EVENT_OUTCOME.TIMED_OUT);
  });
  expect(decodeEvent(bytes, EVENT.size)).toEqual({
    atNs: 2n ** 60n,
    cgroup: 2n ** 63n + 5n,
    outcome: 'timed_out',
    protocol: 'TCP',
    service: 77,
    serviceGeneration: 9,
    address: '10.96.0.5',
    port: 80,
    endpoint: { address: '10.244.0.3', port: 8080 },
    connectNs: 42_000,
    lastedNs: 7_000_000_000,
    bytesSent: 2 ** 40,
    bytesReceived: 3,
  });
});

test('a record of a refusal has no endpoint', () => {
  const bytes = record((view, own) => {
    own.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], EVENT.serviceAddress);
    view.setUint16(EVENT.servicePort, 53);
    view.setUint8(EVENT.protocol, 17);
    view.setUint8(EVENT.outcome, EVENT_OUTCOME.REJECTED_SHARE);
  });
  expect(decodeEvent(bytes, EVENT.size)).toMatchObject({
    outcome: 'rejected_share',
    protocol: 'UDP',
    address: 'fd00::5',
    port: 53,
    endpoint: undefined,
  });
});
