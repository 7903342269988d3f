import { parseArgs } from 'node:util';
import { ShuntError } from '../errors.ts';
import type { Arguments, Command, Flag, Flags } from './command.ts';
import type { Environment } from './context.ts';

/** Reads what follows the verb. Throws SHUNT_E_ARGUMENTS. */
export const readArguments = (
  verb: string,
  { flags, positionals: { min, max } = { min: 0, max: 0 } }: Command,
  argv: readonly string[],
  env: Environment,
): Arguments => {
  const parsed = parse(verb, flags, argv);
  const { positionals } = parsed;
  if (positionals.length < min) throw wrong(verb, 'an argument is missing');
  if (positionals.length > max) throw wrong(verb, `unexpected argument \`${positionals[max]}\``);

  const given: Record<string, string> = {};
  const values: Record<string, string> = {};
  const switches = new Set<string>();
  for (const [name, flag] of Object.entries(flags)) {
    const value = parsed.values[name];
    if (value === true) switches.add(name);
    if (typeof value === 'string') given[name] = value;
    const resolved = given[name] ?? fromEnvironment(flag, env) ?? flag.default;
    if (flag.value !== undefined && resolved !== undefined) values[name] = resolved;
  }
  return { positionals, given, values, switches };
};

/** A usage error of one verb. */
export const wrong = (verb: string, detail: string): ShuntError =>
  new ShuntError('SHUNT_E_ARGUMENTS', { verb, detail });

/** An empty variable counts as not set. */
const fromEnvironment = ({ env: name }: Flag, env: Environment): string | undefined =>
  (name === undefined ? undefined : env[name]) || undefined;

const parse = (
  verb: string,
  flags: Flags,
  argv: readonly string[],
): { readonly values: Readonly<Record<string, unknown>>; readonly positionals: readonly string[] } => {
  const options = Object.entries(flags).map(([name, { value, short }]) => {
    const type: 'string' | 'boolean' = value === undefined ? 'boolean' : 'string';
    return [name, { type, ...(short === undefined ? {} : { short }) }] as const;
  });
  try {
    return parseArgs({ args: [...argv], options: Object.fromEntries(options), allowPositionals: true });
  } catch (error) {
    throw wrong(verb, firstSentence((error as Error).message));
  }
};

/** Of `parseArgs`: "Unknown option '--x'. To specify a positional argument starting with ...". */
const firstSentence = (message: string): string => {
  const [first = message] = message.split(/\. |\n/);
  const sentence = first.replace(/\.$/, '');
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
};
