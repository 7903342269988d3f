import { json } from 'node:stream/consumers';
import { startApplication } from './application.ts';
import type { Spawner } from './process.ts';
import type { Counts } from './tally.ts';

/** What became of attempts to connect. */
export interface Knocks {
  /** By errno name; `connected` for those that succeeded. */
  readonly outcomes: Counts;
  /** From the call to its outcome. */
  readonly medianMs: number;
  readonly slowestMs: number;
}

/** Connects from a pod, `count` times, one after the other. */
export const knock = async (pod: Spawner, address: string, port: number, count: number): Promise<Knocks> => {
  const child = startApplication(pod, 'knock', [address, String(port), String(count)]);
  return (await json(child.stdout)) as Knocks;
};
