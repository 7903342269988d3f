import type { Stage } from './stage.ts';

/** A part of the story that shows one claim, measured on what really happens on the stage. */
export interface Act {
  /** A word for machines. */
  readonly name: string;
  /** The sentence that holds, or does not. */
  readonly claim: string;
  play(stage: Stage): Promise<Outcome>;
}

export interface Outcome {
  readonly holds: boolean;
  /** What was measured, for machines. */
  readonly figure: Readonly<Record<string, unknown>>;
  /** The same for people, in lines. */
  readonly shown: readonly string[];
  /** And in a few words. */
  readonly summary: string;
}
