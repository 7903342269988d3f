import { expect, test } from 'vitest';
import { shareBar } from '../../../src/demo/bar.ts';

const rows = [
  { counts: { v1: 70, v2: 30 }, bar: '███████░░░ v1 70 %, v2 30 %' },
  { counts: { v1: 1, v2: 2 }, bar: '███░░░░░░░ v1 33.3 %, v2 66.7 %' },
  { counts: { v2: 5 }, bar: '░░░░░░░░░░ v2 100 %' },
  { counts: { v1: 999, v2: 1 }, bar: '██████████ v1 99.9 %, v2 0.1 %' },
  { counts: {}, bar: '           no answer' },
];

test.each(rows)('$counts is drawn as $bar', ({ counts, bar }) => {
  expect(shareBar(counts as Record<string, number>, 10)).toBe(bar);
});
