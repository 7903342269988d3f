import type { Command, Flag } from './command.ts';
import type { Style } from './style.ts';
import type { Verb } from './verbs.ts';

/** `shunt --help`. */
export const generalHelp = (verbs: readonly Verb[], style: Style): string => {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  const list = (changes: boolean): string =>
    verbs
      .filter((verb) => verb.changes === changes)
      .map(({ name, summary }) => `  ${style('bold', name.padEnd(width))}  ${summary}\n`)
      .join('');
  return [
    'shunt: the kernel itself sends each connection to the right endpoint of a Service\n\n',
    `${style('bold', 'Usage:')} shunt VERB [FLAGS]\n\n`,
    `${style('bold', 'Change something')}\n${list(true)}\n`,
    `${style('bold', 'Look, change nothing')}\n${list(false)}\n`,
    '`shunt VERB --help` says more.\n',
    'Exit status: 0 done, 1 it failed, 2 wrong usage, 70 a bug. docs/errors.md lists every error.\n',
  ].join('');
};

/** `shunt VERB --help`. */
export const verbHelp = ({ usage, about, flags, examples }: Command, style: Style): string => {
  const rows = Object.entries(flags).map(([name, flag]) => [synopsis(name, flag), describe(flag)] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  const flagLines = rows.map(([left, right]) => `  ${style('bold', left.padEnd(width))}  ${right}\n`);
  const exampleLines = examples.map((example) => `  # ${example.about}\n  ${example.command}\n`);
  return [
    `${style('bold', 'Usage:')} shunt ${usage}\n\n`,
    `${about}\n\n`,
    `${style('bold', 'Flags')}\n${flagLines.join('')}\n`,
    `${style('bold', 'Examples')}\n${exampleLines.join('\n')}`,
  ].join('');
};

const synopsis = (name: string, { short, value }: Flag): string => {
  const left = short === undefined ? `    --${name}` : `-${short}, --${name}`;
  return value === undefined ? left : `${left} ${value}`;
};

const describe = ({ about, default: fallback, env }: Flag): string => {
  const extras = [
    ...(fallback === undefined ? [] : [`default: ${fallback === '' ? "''" : fallback}`]),
    ...(env === undefined ? [] : [env]),
  ];
  return extras.length === 0 ? about : `${about} (${extras.join('; ')})`;
};
