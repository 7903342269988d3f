import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Brings helm and kubectl when they are not there; as `globalSetup` of the projects that use them. */
export const setup = (): void => {
  execFileSync('scripts/cluster-tools', { stdio: ['ignore', 'inherit', 'inherit'] });
};

export const toolPath = (name: 'helm' | 'kubectl'): string => {
  const path = process.env[`SHUNT_${name.toUpperCase()}`] || resolve('build/tools', name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run scripts/cluster-tools`);
  return path;
};

/** Runs it and returns what it printed. Throws with its own words when it fails. */
export const helm = (args: readonly string[]): string => run(toolPath('helm'), args);

export const kubectl = (args: readonly string[]): string => run(toolPath('kubectl'), args);

/** Nothing of the user's own: no cluster, no settings, no plugins. */
const run = (file: string, args: readonly string[]): string => {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: '/nonexistent' };
  try {
    return execFileSync(file, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`${file} ${args.join(' ')}: ${stderr.trim() || String(error)}`);
  }
};
