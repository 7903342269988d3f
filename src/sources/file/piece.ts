import { listItems } from '../../core/desire/read.ts';

/** One object of a file, and where it stands. Alive only while its file is read. */
export interface Piece {
  readonly value: unknown;
  /** 1-based line of the file. */
  readonly line: number;
  /** Line of the field at that path, of its nearest ancestor when the field is absent. */
  readonly lineOf: (path: readonly string[]) => number;
}

/** The text of a file is not what its name says. */
export class SyntaxProblem extends Error {
  readonly line: number;

  constructor(message: string, line: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SyntaxProblem';
    this.line = line;
  }
}

/** The objects of a list, of lists in it as well; anything else is itself. */
export function* flatten(piece: Piece): Generator<Piece> {
  const items = listItems(piece.value);
  if (items === undefined) {
    yield piece;
    return;
  }
  for (const [index, value] of items.entries()) {
    const lineOf = (path: readonly string[]): number => piece.lineOf(['items', String(index), ...path]);
    yield* flatten({ value, line: lineOf([]), lineOf });
  }
}

/** The item as it is when it stands in a list of this head: typed lists lend their items their kind. */
export const asItemOf = (head: object, value: unknown): unknown => listItems({ ...head, items: [value] })?.[0];

/** Tells the 1-based line of offsets that only grow, in one walk over the text. */
export const countLines = (text: string): ((offset: number) => number) => {
  let line = 1;
  let next = text.indexOf('\n');
  return (offset) => {
    while (next >= 0 && next < offset) {
      line++;
      next = text.indexOf('\n', next + 1);
    }
    return line;
  };
};
