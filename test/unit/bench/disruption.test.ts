import { expect, test } from 'vitest';
import { movedShare } from '../../../bench/disruption.ts';

test('of clients that had no reason to move, the part that moved', () => {
  expect(movedShare(['a', 'b', 'c', 'c'], ['a', 'b', 'b', 'b'], 'c')).toBe(0);
  expect(movedShare(['a', 'b', 'c', 'c'], ['b', 'b', 'b', 'a'], 'c')).toBe(1 / 2);
});

test('who was removed and still answers, and clients that are missing, are no measurement', () => {
  expect(() => movedShare(['a', 'b'], ['a', 'b'], 'b')).toThrow('b was removed and still answers');
  expect(() => movedShare(['a', 'b'], ['a'], 'b')).toThrow(RangeError);
});
