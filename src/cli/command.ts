import type { Context } from './context.ts';

/** What the module of a verb exports. Everything that `--help` says is data. */
export interface Command {
  /** Without `shunt`: `explain [FLAGS] ADDRESS:PORT[/tcp|/udp]`. */
  readonly usage: string;
  /** What it does and shows, in sentences. */
  readonly about: string;
  readonly positionals?: { readonly min: number; readonly max: number };
  readonly flags: Flags;
  readonly examples: readonly Example[];
  /** Exit status. Throws ShuntError for what the user should know. */
  run(context: Context, given: Arguments): Promise<number>;
}

export type Flags = Readonly<Record<string, Flag>>;

export interface Flag {
  /** What stands for the value in `--help`; a flag without one is a switch. */
  readonly value?: string;
  readonly short?: string;
  readonly default?: string;
  /** Used when the flag is not given. */
  readonly env?: string;
  readonly about: string;
}

export interface Example {
  readonly command: string;
  readonly about: string;
}

export interface Arguments {
  readonly positionals: readonly string[];
  /** As given on the command line, nothing else. */
  readonly given: Readonly<Record<string, string>>;
  /** Flag, else environment, else default. */
  readonly values: Readonly<Record<string, string>>;
  readonly switches: ReadonlySet<string>;
}
