import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** scripts/test.mjs in a directory of its own, with stand-ins for the tools that it calls. */
let directory: string;
let run: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-test-script-'));
  mkdirSync(join(directory, 'bin'));
});

afterEach(() => {
  if (run?.exitCode === null && run.signalCode === null) run.kill('SIGKILL');
  for (const pid of linesOf('pids').filter(isAlive)) process.kill(Number(pid), 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

describe('scripts/test.mjs', () => {
  test.each([
    { signals: ['SIGINT'], trap: '', status: 130 },
    { signals: ['SIGTERM'], trap: '', status: 143 },
    { signals: ['SIGINT', 'SIGTERM'], trap: "trap '' TERM;", status: 130 },
  ] as const)(
    'is ended by $signals with the step that runs, and begins no other',
    async ({ signals, trap, status }) => {
      tool('make', `${trap} echo "$*" >>calls; echo $$ >>pids; sleep 60 & echo $! >>pids; wait`);
      run = start();
      const ended = once(run, 'exit');
      await vi.waitFor(() => expect(linesOf('pids')).toHaveLength(2), { timeout: 5000 });
      for (const signal of signals) {
        run.kill(signal);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(await ended).toEqual([status, null]);
      expect(linesOf('calls')).toEqual(['lint']);
      expect(linesOf('pids').filter(isAlive)).toEqual([]);
      expect(existsSync(join(directory, 'build/reports/summary'))).toBe(false);
    },
  );

  test('runs the rest of a stage when a step fails, but no other stage', async () => {
    tool('make', 'echo "$*" >>calls; [ "$1" = types ]');
    run = start();
    expect(await once(run, 'exit')).toEqual([1, null]);
    expect(linesOf('calls')).toEqual(['lint', 'types']);
    expect(linesOf('build/reports/summary')).toEqual(['1 passed, 1 failed']);
  });
});

const start = (): ChildProcess =>
  spawn(process.execPath, [resolve('scripts/test.mjs')], {
    cwd: directory,
    stdio: 'ignore',
    env: { PATH: `${join(directory, 'bin')}:/usr/bin:/bin` },
  });

const linesOf = (name: string): string[] => {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
};

/** A zombie is not: nobody may be there to wait for it. */
const isAlive = (pid: string): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

const tool = (name: string, script: string): void => {
  const path = join(directory, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
};
