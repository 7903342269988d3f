import { expect, test } from 'vitest';
import { createBackoff } from '../../../../src/sources/kubernetes/backoff.ts';
import { TIMING } from '../../../../src/sources/kubernetes/timing.ts';
import { compareVersions, isOlder } from '../../../../src/sources/kubernetes/version.ts';

const most = createBackoff(TIMING, () => 1);
const least = createBackoff(TIMING, () => 0);

test.each([
  [1, 200],
  [2, 400],
  [5, 3200],
  [8, 25_600],
  [9, 30_000],
  [1000, 30_000],
])('after %i failures in a row the wait is from nothing to %i ms', (failures, ms) => {
  expect([least.after(failures), most.after(failures)]).toEqual([0, ms]);
});

test('a server that says when is not asked before, nor by all nodes at that moment, and not believed for ever', () => {
  expect([least.asked(5000, 1), most.asked(5000, 1)]).toEqual([5000, 5200]);
  expect(least.asked(86_400_000, 1)).toBe(300_000);
});

test('what lasts is tried again after most of the longest wait', () => {
  expect([most.longest(), least.longest()]).toEqual([22_500, 30_000]);
  expect([least.between([300, 600]), most.between([300, 600])]).toEqual([300, 600]);
});

test.each([
  ['9', '10', true],
  ['10', '9', false],
  ['10', '10', false],
  ['18446744073709551614', '18446744073709551615', true],
  ['opaque', '1', false],
  ['', '1', false],
])('version %s is older than %s: %s', (version, than, older) => {
  expect(isOlder(version, than)).toBe(older);
});

test('versions that are no numbers cannot be compared', () => {
  expect(compareVersions('a', 'b')).toBeUndefined();
});
