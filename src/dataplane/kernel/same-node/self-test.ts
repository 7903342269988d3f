import { type ExecFileException, execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ShuntError } from '../../../errors.ts';
import { findLibrary } from '../../../native/library.ts';
import { builtPath } from '../load.ts';

/** A check of native/self-test/, and why this kernel fails it, if it does. */
export interface SelfTestCheck {
  readonly name: string;
  readonly failure: string | undefined;
}

export interface SelfTestOptions {
  /** The programs under test, as a file; those that are attached if not given. */
  readonly object?: string;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * Whether connections that are joined socket to socket behave as TCP does here: real ones are, in a network namespace and
 * a cgroup below this one, which go with it. It takes about a second.
 *
 * @throws ShuntError SHUNT_E_SAME_NODE_TEST when it cannot run.
 */
export const runSelfTest = async (
  cgroup: string,
  { object = builtPath('same-node.bpf.o'), signal }: SelfTestOptions = {},
): Promise<readonly SelfTestCheck[]> => {
  const program = join(dirname(findLibrary()), 'same-node-test');
  const { error, stdout, stderr } = await run(program, [object, cgroup], signal);
  const { checks, obstacle } = readReport(stdout);
  // 1: some checks failed, which they say themselves.
  const isComplete = error === null || (error.code === 1 && checks.some(({ failure }) => failure !== undefined));
  if (obstacle === undefined && isComplete && checks.length > 0) return checks;
  throw new ShuntError(
    'SHUNT_E_SAME_NODE_TEST',
    { reason: obstacle ?? (error?.killed ? `it took longer than ${TIMEOUT_MS} ms` : endOf(error)) },
    { cause: stderr === '' ? error : new Error(stderr.slice(-LOG_TAIL)) },
  );
};

/** What it prints: `ok NAME` or `not ok NAME: why` for each check, and `cannot run: why`. */
export const readReport = (
  text: string,
): { readonly checks: readonly SelfTestCheck[]; readonly obstacle: string | undefined } => {
  const checks = [...text.matchAll(CHECK)].map(([, name = '', failedName = '', failure]) =>
    failure === undefined ? { name, failure } : { name: failedName, failure },
  );
  return { checks, obstacle: OBSTACLE.exec(text)?.[1] };
};

const CHECK = /^(?:ok (\S+)|not ok (\S+): (.*))$/gm;
const OBSTACLE = /^cannot run: (.*)$/m;

interface Run {
  readonly error: ExecFileException | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** SIGTERM: it still removes its cgroup. */
const run = (program: string, args: readonly string[], signal: AbortSignal | undefined): Promise<Run> =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: TIMEOUT_MS, signal, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
  });

const endOf = (error: ExecFileException | null): string =>
  error === null
    ? 'it has no checks'
    : typeof error.code === 'number'
      ? `it ended with status ${error.code}`
      : error.message;

/** It ends itself sooner. */
const TIMEOUT_MS = 20_000;

/** The verifier's log can be megabytes; what it says last is what matters. */
const LOG_TAIL = 4096;
