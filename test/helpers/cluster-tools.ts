import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Brings helm and kubectl when they are not there; as `globalSetup` of the projects that use them. */
export const setup = (): void => {
  execFileSync('scripts/cluster-tools', { stdio: ['ignore', 'inherit', 'inherit'] });
};

/** Runs it and returns what it printed. Throws with its own words when it fails. */
export const helm = (args: readonly string[], env: Environment = {}): string =>
  run(process.env.SHUNT_HELM || 'build/tools/helm', args, env);

export const kubectl = (args: readonly string[], env: Environment = {}, input = ''): string =>
  run(process.env.SHUNT_KUBECTL || 'build/tools/kubectl', args, env, input);

type Environment = Readonly<Record<string, string>>;

/** Nothing of the user's own: no cluster, no settings, no plugins. */
const run = (file: string, args: readonly string[], env: Environment, input = ''): string => {
  if (!existsSync(file)) throw new Error(`${file} is missing: run scripts/cluster-tools`);
  const own = {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    KUBECONFIG: '/nonexistent',
    HELM_CACHE_HOME: 'build/tools',
  };
  try {
    return execFileSync(file, args, {
      encoding: 'utf8',
      env: { ...own, ...env },
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`${file} ${args.join(' ')}: ${stderr.trim() || String(error)}`);
  }
};
