import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { BenchmarkResult } from './results.ts';

const RESULTS = new URL('./results/', import.meta.url);

/** What was kept of the last run of each benchmark. */
export const readResults = (): BenchmarkResult[] =>
  readdirSync(RESULTS)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(name, RESULTS), 'utf8')) as BenchmarkResult);

export const keepResult = (result: BenchmarkResult): void =>
  writeFileSync(new URL(`${result.bench}.json`, RESULTS), `${JSON.stringify(result, null, 2)}\n`);
