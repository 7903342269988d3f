import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gatewayDurationMs, goDurationMs } from '../../../../src/core/desire/read-duration.ts';

test.each([
  ['0s', 0],
  ['1ms', 1],
  ['30s', 30_000],
  ['1m', 60_000],
  ['1h30m', 5_400_000],
  ['1h1m1s1ms', 3_661_001],
  ['500ms1s', 1500],
  ['99999h', 359_996_400_000],
])('%s is a duration of the Gateway API of %d ms', (text, timeMs) => {
  expect(gatewayDurationMs(text)).toBe(timeMs);
});

test.each(['', '1', 's', '1.5s', '-1s', '+1s', '1 s', '1d', '1us', '100000s', '1h1m1s1ms1s', '1s\n', '1S'])(
  '"%s" is no duration of the Gateway API',
  (text) => {
    expect(gatewayDurationMs(text)).toBeUndefined();
  },
);

test.each([
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['1.s', 1000],
  ['300s', 300_000],
  ['250us', 0.25],
  ['250µs', 0.25],
  ['1s1ns', 1000.000_001],
])('%s is a duration to Go of %d ms', (text, timeMs) => {
  expect(goDurationMs(text)).toBeCloseTo(timeMs, 9);
});

test.each(['', '.s', '1', '1.2.3s', '-1s', '1d'])('"%s" is no duration to Go, or not one of ours', (text) => {
  expect(goDurationMs(text)).toBeUndefined();
});

test('what the Gateway API takes for a duration means the same to Go', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/), (text) => {
      expect(gatewayDurationMs(text)).toBe(goDurationMs(text));
    }),
  );
});
