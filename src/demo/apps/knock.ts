/** Connects to an address again and again, one after the other: `knock ADDRESS PORT COUNT`. Prints a `Knocks` as JSON. */
import { connect } from 'node:net';
import type { Knocks } from '../knock.ts';

const TIMEOUT_MS = 5000;

const knock = (host: string, port: number): Promise<{ readonly outcome: string; readonly ms: number }> =>
  new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect({ host, port, timeout: TIMEOUT_MS });
    const end = (outcome: string): void => {
      resolve({ outcome, ms: performance.now() - startedMs });
      socket.destroy();
    };
    socket.once('connect', () => end('connected'));
    socket.once('timeout', () => end('ETIMEDOUT'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });

const [address = '', port = '0', count = '1'] = process.argv.slice(2);
const outcomes: Record<string, number> = {};
const times: number[] = [];
for (let n = 0; n < Number(count); n += 1) {
  const { outcome, ms } = await knock(address, Number(port));
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  times.push(ms);
}
times.sort((a, b) => a - b);
const knocks: Knocks = {
  outcomes,
  medianMs: times[Math.floor(times.length / 2)] ?? 0,
  slowestMs: times.at(-1) ?? 0,
};
process.stdout.write(`${JSON.stringify(knocks)}\n`);
