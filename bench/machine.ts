import { readFile } from 'node:fs/promises';
import os from 'node:os';

/** What figures depend on. */
export interface MachineFacts {
  /** UTC, to the day. */
  readonly date: string;
  readonly kernel: string;
  readonly distribution: string;
  readonly processor: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly node: string;
}

export const machineFacts = async (): Promise<MachineFacts> => {
  const release = await readFile('/etc/os-release', 'utf8');
  return {
    date: new Date().toISOString().slice(0, 10),
    kernel: os.release(),
    distribution: release.match(/^PRETTY_NAME="?([^"\n]*)/m)?.[1] ?? 'unknown',
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    cpus: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
  };
};
