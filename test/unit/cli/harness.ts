import { cli } from '../../../src/cli/cli.ts';
import type { Parts } from '../../../src/cli/parts.ts';

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly parts?: Partial<Parts>;
  readonly env?: Readonly<Record<string, string>>;
  /** Of a terminal; absent: no terminal. */
  readonly columns?: number;
  /** Told what is written to either, at once. */
  readonly onWrite?: (text: string) => void;
}

/** Runs `shunt ARGV...` in this process. A part that was not given fails the test when it is used. */
export const shunt = async (
  argv: readonly string[],
  { parts = {}, env = {}, columns, onWrite }: Surroundings = {},
): Promise<Ran> => {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
      onWrite?.(text);
    },
    ...(columns === undefined ? {} : { isTTY: true, columns }),
  });
  const status = await cli(argv, {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env,
    parts: new Proxy(parts, { get: (target, name) => Reflect.get(target, name) ?? unexpected(String(name)) }) as Parts,
  });
  return { status, ...written };
};

const unexpected = (name: string): never => {
  throw new Error(`the verb used parts.${name}`);
};
