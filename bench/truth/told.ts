import type { BackendView } from '../../src/agent/view.ts';
import { askAgent } from '../../src/cli/admin.ts';
import type { Figures } from './expected.ts';
import type { Comparison } from './results.ts';
import { BACKEND_COUNTERS } from './rows.ts';

/** What an agent tells: every series that it serves, and every counter of each backend. */
export const toldBy = async (metrics: string, socket: string): Promise<Figures> => {
  const text = await (await fetch(metrics)).text();
  const { backends } = await askAgent<{ readonly backends: readonly BackendView[] }>(socket, '/v1/backends');
  return new Map([...samples(text), ...counters(backends)]);
};

export const compare = (expected: Figures, told: Figures): Comparison => ({
  compared: expected.size,
  different: [...expected]
    .filter(([name, value]) => (told.get(name) ?? 0) !== value)
    .map(([name, value]) => `${name}: ${told.get(name) ?? 'nothing'} instead of ${value}`),
});

const samples = (text: string): (readonly [string, number])[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))] as const);

/** One endpoint may be reached in several ways: through several arms, say. */
const counters = (backends: readonly BackendView[]): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const { id, address, stats } of backends) {
    for (const counter of [...BACKEND_COUNTERS, 'active', 'pending', 'bytesSent', 'bytesReceived'] as const) {
      const name = `${id} ${address} ${counter}`;
      sums.set(name, (sums.get(name) ?? 0) + (stats[counter] ?? 0));
    }
  }
  return sums;
};
