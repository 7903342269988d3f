import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock as agentClock } from '../../src/agent/clock.ts';
import { systemClock as sourceClock } from '../../src/sources/kubernetes/timing.ts';

test.each([
  { who: 'an agent', clock: agentClock },
  { who: 'a source', clock: sourceClock },
])('a delay of $who that Node cannot count is a long one', async ({ clock }) => {
  let rings = 0;
  const cancels = [2 ** 31, Number.POSITIVE_INFINITY].map((delayMs) => clock.after(delayMs, () => rings++));
  await sleep(20);
  expect(rings).toBe(0);
  for (const cancel of cancels) cancel();
});
