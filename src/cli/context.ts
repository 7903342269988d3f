import type { Parts } from './parts.ts';

/** Everything that a verb may touch of its surroundings, so that verbs are tested in-process. */
export interface Context {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  readonly parts: Parts;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is used of a writable stream; `columns` is that of a terminal. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}
