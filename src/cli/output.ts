import { wrong } from './arguments.ts';
import type { Arguments, Flags } from './command.ts';
import type { Context } from './context.ts';

/** For verbs that show data. */
export const OUTPUT_FLAGS = {
  output: { short: 'o', value: 'table|json', default: 'table', about: 'how to print' },
} as const satisfies Flags;

/** Prints data as JSON or as text for people, as `-o` says. */
export const show = (
  verb: string,
  context: Context,
  { values }: Arguments,
  data: unknown,
  text: () => string,
): void => {
  const output = values.output;
  if (output !== 'json' && output !== 'table') throw wrong(verb, `--output: \`${output}\` is neither table nor json`);
  context.stdout.write(output === 'json' ? `${JSON.stringify(data, undefined, 2)}\n` : text());
};

/** Whether errors should be JSON too; asked of the raw words, as they may be what is wrong. */
export const wantsJson = (argv: readonly string[]): boolean =>
  argv.some((word, index) => {
    if (word === '-ojson' || word === '--output=json') return true;
    return word === 'json' && (argv[index - 1] === '-o' || argv[index - 1] === '--output');
  });
