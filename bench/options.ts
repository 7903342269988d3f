import { styleText } from 'node:util';

/** Of one run of benchmarks. */
export interface Options {
  /** Numbers of Services. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly seed: number;
}

/** Progress, beside the figures on standard output. */
export const say = (what: string): void => {
  process.stderr.write(`${styleText('dim', what, { stream: process.stderr })}\n`);
};
