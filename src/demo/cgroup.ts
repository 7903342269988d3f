import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ShuntError } from '../errors.ts';

const EMPTY_WITHIN_MS = 10_000;

/** Where cgroup v2 is mounted, whether alone or beside v1. */
export const cgroupRoot = (): string => {
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((line) => line.includes(' - cgroup2 '));
  const path = mount?.split(' ')[4];
  if (path === undefined) throw new ShuntError('SHUNT_E_NODE', { step: 'finding cgroup v2', detail: 'not mounted' });
  // Blanks and the like are written in octal: proc(5).
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
};

/** Those above it are made as well. */
export const makeCgroup = async (path: string): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true });
    await mkdir(path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new ShuntError('SHUNT_E_NODE', { step: `making the cgroup ${path}`, detail }, { cause: error });
  }
};

/** Names of the cgroups right below `path` that start with `prefix`. */
export const cgroupsOf = (path: string, prefix: string): readonly string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name.startsWith(prefix))
    .map((entry) => entry.name);

/** Ends every process in a cgroup and below it, and removes it. A cgroup that is not there is no error. */
export const removeCgroup = async (path: string): Promise<void> => {
  const deadline = Date.now() + EMPTY_WITHIN_MS;
  while (existsSync(path)) {
    await killProcesses(path);
    if (await removeTree(path)) return;
    if (Date.now() > deadline) {
      throw new ShuntError('SHUNT_E_NODE', { step: `removing the cgroup ${path}`, detail: 'processes do not end' });
    }
    await sleep(2);
  }
};

const killProcesses = async (path: string): Promise<void> => {
  try {
    await writeFile(`${path}/cgroup.kill`, '1', { flag: 'r+' });
  } catch {
    // Linux before 5.14 has no cgroup.kill; what forks meanwhile is met in the next round.
    for (const cgroup of await tree(path)) await killOneByOne(cgroup);
  }
};

const killOneByOne = async (cgroup: string): Promise<void> => {
  const pids = await readFile(`${cgroup}/cgroup.procs`, 'utf8').catch(() => '');
  for (const pid of pids.split('\n').map(Number)) {
    try {
      // 0 is a process outside of our pid namespace, and to kill(2) our own process group.
      if (pid > 0) process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
};

/** False as long as a process is left in it: rmdir says EBUSY. */
const removeTree = async (path: string): Promise<boolean> => {
  for (const cgroup of await tree(path)) {
    try {
      await rmdir(cgroup);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return true;
};

/** The cgroup and all below it, children first. */
const tree = async (path: string): Promise<readonly string[]> => {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const children = entries.filter((entry) => entry.isDirectory()).map((entry) => tree(`${path}/${entry.name}`));
  return [...(await Promise.all(children)).flat(), path];
};
