import { readFileSync } from 'node:fs';
import { programInfo } from '../../native/program.ts';
import type { ProgramRuns } from '../dataplane.ts';

/** 1: the kernel counts runs of programs and their time, some 20 ns each (Documentation/admin-guide/sysctl/kernel.rst). */
const SWITCH = '/proc/sys/kernel/bpf_stats_enabled';

export const programRuns = (programs: ReadonlyMap<string, number>): readonly ProgramRuns[] => {
  if (!isCounting()) return [];
  return Array.from(programs, ([program, fd]) => {
    const { runCount, runTimeNs } = programInfo(fd);
    return { program, runs: runCount, ns: runTimeNs };
  });
};

const isCounting = (): boolean => {
  try {
    return readFileSync(SWITCH, 'utf8').trim() === '1';
  } catch {
    // There is none before 5.1, and not everybody may look at it.
    return false;
  }
};
