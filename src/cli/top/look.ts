import type { Style } from '../style.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** How things are shown, whatever they are. */
export interface Look {
  readonly isUnicode: boolean;
  readonly style: Style;
  /** Of the readings, in words: `every 2 s`. */
  readonly every: string;
  /** What was asked for: empty, a namespace or a Service. Totals are of that. */
  readonly scope: string;
}
