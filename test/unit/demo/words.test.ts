import { expect, test } from 'vitest';
import { judge } from '../../../src/demo/judge.ts';
import { add, emptyTally, type Tally, total } from '../../../src/demo/tally.ts';
import { certaintyText, failedText, verdictText } from '../../../src/demo/words.ts';

const answered: Tally = { answered: 2, login: { v1: 2 }, register: { v1: 1, v2: 1 }, peers: { a: 2 }, failed: {} };
const failed: Tally = { ...emptyTally, failed: { ECONNREFUSED: 3, 'HTTP 502': 1 } };

test('tallies add up name by name', () => {
  expect([answered, failed, answered].reduce(add, emptyTally)).toEqual({
    answered: 4,
    login: { v1: 4 },
    register: { v1: 2, v2: 2 },
    peers: { a: 4 },
    failed: { ECONNREFUSED: 3, 'HTTP 502': 1 },
  });
  expect(total(failed.failed)).toBe(4);
});

test('failures are told with their errors', () => {
  expect(failedText(answered)).toBe('0 of 2 connections failed');
  expect(failedText(add(answered, failed))).toBe('4 of 6 connections failed (ECONNREFUSED 3, HTTP 502 1)');
});

test.each([
  {
    failing: 0,
    kept: false,
    says: '3 of 3 claims hold, 34 s; nothing is left. `shunt demo --keep` leaves the node up.',
  },
  {
    failing: 1,
    kept: false,
    says: '2 of 3 claims hold, 34 s; nothing is left. `shunt demo --keep` leaves the node up.',
  },
  { failing: 0, kept: true, says: '3 of 3 claims hold, 34 s; nothing is left.' },
])('of 3 claims of which $failing fail it says how it ended (--keep: $kept)', ({ failing, kept, says }) => {
  const claims = [0, 1, 2].map((number) => ({ holds: number >= failing }));
  expect(verdictText(claims, 34_400, kept)).toBe(says);
});

test('of several judgements the furthest from what was asked is told', () => {
  const equal = { v1: 1, v2: 1 };
  const [fair, further] = [judge({ v1: 1250, v2: 1250 }, equal), judge({ v1: 1300, v2: 1200 }, equal)];
  const text = '2,500 connections, 2 standard deviations off what was asked (limit 4)';
  expect([certaintyText(fair, further), certaintyText(further, fair)]).toEqual([text, text]);
});
