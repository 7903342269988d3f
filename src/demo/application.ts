import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ShuntError } from '../errors.ts';
import type { Spawner } from './process.ts';

const READY_WITHIN_MS = 10_000;
const STOPPED_WITHIN_MS = 10_000;

export type ApplicationName = 'register' | 'login' | 'client' | 'knock';

/** Its standard error is that of the demo. */
export type Application = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Starts one of the programs in `apps/` in a pod. In a session of its own: Ctrl-C on a terminal is for the demo, which
 * then ends them in order.
 */
export const startApplication = (
  place: Spawner,
  name: ApplicationName,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Application =>
  place.spawn(process.execPath, [applicationPath(name), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    env: { ...process.env, ...env },
  }) as Application;

/** Starts a server, and resolves when it listens. */
export const startServer = async (...given: Parameters<typeof startApplication>): Promise<Application> => {
  const [, name, args] = given;
  const child = startApplication(...given);
  const lines = createInterface({ input: child.stdout });
  const signal = AbortSignal.timeout(READY_WITHIN_MS);
  const outcome = await Promise.race([
    once(lines, 'line', { signal }).then(() => 'listens'),
    once(child, 'exit', { signal }).then(([status]) => `it ended with status ${status}`),
  ]).catch(() => 'it does not listen');
  if (outcome !== 'listens')
    throw new ShuntError('SHUNT_E_DEMO', { step: `starting ${name} ${args[0]}`, detail: outcome });
  return child;
};

/** Asks a server to end what it began and then itself, as Kubernetes does. */
export const stopServer = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOPPED_WITHIN_MS) });
  child.kill('SIGTERM');
  await ended;
};

/** As this file is: TypeScript in a checkout, JavaScript when built. */
const applicationPath = (name: ApplicationName): string =>
  join(import.meta.dirname, 'apps', `${name}${extname(import.meta.filename)}`);
