import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import { policy } from '../helpers/objects.ts';
import { scrapedText } from '../helpers/scraped.ts';
import { openStage, type Stage, serviceWith } from '../helpers/stage.ts';

/** Runs of programs are told while the kernel counts them, and only then. */

const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';
const WEB = '10.96.0.1';

let stage: Stage<'client' | 'v1'>;
const before = readFileSync(SWITCH, 'utf8');

beforeAll(async () => {
  stage = await openStage({
    name: 'program-runs',
    clients: ['client'],
    servers: ['v1'],
    objects: ({ v1 }) => [...serviceWith('web', [WEB], [v1]), policy([], { firstResponseTime: 'Measure' })],
  });
});

afterEach(() => writeFileSync(SWITCH, before));

afterAll(() => stage?.[Symbol.asyncDispose]());

const runsOf = async (program: string): Promise<readonly number[]> => {
  const text = scrapedText(await createMetrics(stage.agent.agent).scrape());
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('shunt_program_run') && line.includes(`program="${program}"`));
  return lines.map((line) => Number(line.split(' ').at(-1)));
};

test('the series of a program grow by a run for each connection, and by the time that it takes', async () => {
  writeFileSync(SWITCH, '1');
  const [runs = 0, seconds = 0] = await runsOf('shunt_connect4');
  await stage.actors.client.shell.hammer('tcp', WEB, 80, { count: 500 });
  const [runsAfter = 0, secondsAfter = 0] = await runsOf('shunt_connect4');
  expect(runsAfter - runs).toBe(500);
  // Between 50 ns and 100 us each.
  expect(secondsAfter - seconds).toBeGreaterThan(500 * 50e-9);
  expect(secondsAfter - seconds).toBeLessThan(500 * 100e-6);
  expect(await runsOf('shunt_sock_release')).toHaveLength(2);
  expect(await runsOf('shunt_first_response')).toHaveLength(2);
});

test('while the kernel does not count there are none', async () => {
  writeFileSync(SWITCH, '0');
  await stage.actors.client.shell.hammer('tcp', WEB, 80, { count: 10 });
  expect(stage.agent.agent.programRuns()).toEqual([]);
  expect(await runsOf('shunt_connect4')).toEqual([]);
});
