import { describe, expect, test } from 'vitest';
import { type CountedShare, isOutOfShare } from '../../../src/core/observed-share.ts';

const ID = 'shop/cart/http/TCP';
const counted = (share: number, count: number, of: number, more: Partial<CountedShare> = {}): CountedShare => ({
  id: ID,
  algorithm: 'WeightedRandom',
  share,
  observed: { share: of === 0 ? 0 : count / of, of },
  ...more,
});

const { algorithm: _, ...refused } = counted(0.05, 0, 1000);

const rows: readonly (readonly [title: string, row: CountedShare, isOut: boolean])[] = [
  ['what was asked for', counted(0.05, 50, 1000), false],
  ['four deviations', counted(0.05, 50 + 27, 1000), false],
  ['more than that', counted(0.05, 50 + 33, 1000), true],
  ['less than that', counted(0.5, 420, 1000), true],
  ['nothing of a share', counted(0.05, 0, 1000), true],
  ['nothing of a share that is refused', refused, true],
  ['less than 100 connections', counted(0.5, 0, 99), false],
  ['100 connections', counted(0.5, 0, 100), true],
  ['a single endpoint', counted(1, 1000, 1000), false],
  ['a single endpoint, of which the table is off by a rounding', counted(1 - 2 ** -32, 1000, 1000), false],
  ['a connection of a share that is very small', counted(0.0001, 1, 100), false],
  ['none at all', counted(0.5, 0, 0), false],
  ['taking turns', counted(0.5, 420, 1000, { algorithm: 'RoundRobin' }), true],
  ['a choice by load', counted(0.5, 420, 1000, { algorithm: 'LeastConnections' }), false],
  ['a choice by time', counted(0.5, 420, 1000, { algorithm: 'PeakEwma' }), false],
  ['a choice by client', counted(0.5, 420, 1000, { algorithm: 'Maglev' }), false],
  ['clients that stay', counted(0.5, 420, 1000, { affinity: true }), false],
  ['datagrams, which stay with their socket', counted(0.5, 420, 1000, { id: 'shop/dns/dns/UDP' }), false],
];

describe('a share', () => {
  test.each(rows)('after %s', (_, row, isOut) => {
    expect(isOutOfShare(row)).toBe(isOut);
  });

  test('of which nothing is known is in order', () => {
    expect(isOutOfShare({ id: ID, algorithm: 'WeightedRandom', share: 0.5 })).toBe(false);
  });
});
