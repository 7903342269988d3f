import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../helpers/reading.ts';

describe('Node', () => {
  test('has its zone and its addresses, and no names', () => {
    const raw = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'worker-1.example.com', labels: { 'topology.kubernetes.io/zone': 'z1' } },
      status: {
        addresses: [
          { type: 'Hostname', address: 'worker-1' },
          { type: 'InternalIP', address: '192.0.2.1' },
          { type: 'InternalIP', address: 'FD00:2::1' },
          { type: 'ExternalIP', address: '203.0.113.7' },
        ],
      },
    };
    expect(objectOf(raw)).toEqual({
      kind: 'Node',
      namespace: '',
      name: 'worker-1.example.com',
      zone: 'z1',
      addresses: ['192.0.2.1', 'fd00:2::1', '203.0.113.7'],
    });
  });

  test('without label and status has neither zone nor address', () => {
    expect(objectOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker-1' } })).toMatchObject({
      zone: '',
      addresses: [],
    });
  });
});
