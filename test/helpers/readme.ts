import { readFileSync } from 'node:fs';

export const README: string = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** Rows of the summary of `shunt demo`, as README.md shows it. */
export const shownClaims = (): readonly { readonly name: string; readonly measured: string }[] =>
  [...README.matchAll(/^holds {2}(\S+) +(.+)$/gm)].map(([, name = '', measured = '']) => ({ name, measured }));

/** What a command prints, as README.md shows it. */
export const shownOutput = (command: string): string | undefined => {
  const [, after] = README.split(`\n$ ${command}\n`);
  return after?.split(/^(?:```|\$ )/m)[0];
};

/** The text without its figures: those of two runs differ. */
export const wordsOf = (text: string): string => text.replace(/\d[\d.,]*/g, 'N');
