import { nearest } from '../core/nearest.ts';
import { ShuntError } from '../errors.ts';
import { readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { generalHelp, verbHelp } from './help.ts';
import { wantsJson } from './output.ts';
import { styleFor } from './style.ts';
import { VERBS } from './verbs.ts';

/** Runs `shunt ARGV...` and returns the exit status: 0 done, 1 failed, 2 wrong usage, 70 a bug. */
export const cli = async (argv: readonly string[], context: Context): Promise<number> => {
  try {
    return await dispatch(argv, context);
  } catch (error) {
    return report(error, context, wantsJson(argv));
  }
};

const HELP = new Set(['--help', '-h', 'help']);

const dispatch = async ([name, ...rest]: readonly string[], context: Context): Promise<number> => {
  if (name === undefined) {
    context.stderr.write(generalHelp(VERBS, styleFor(context.stderr, context.env)));
    return 2;
  }
  const style = styleFor(context.stdout, context.env);
  if (HELP.has(name)) {
    if (name === 'help' && rest[0] !== undefined) return dispatch([rest[0], '--help'], context);
    context.stdout.write(generalHelp(VERBS, style));
    return 0;
  }
  const { command } = await findVerb(name === '--version' ? 'version' : name);
  if (asksHelp(rest)) {
    context.stdout.write(verbHelp(command, style));
    return 0;
  }
  return command.run(context, readArguments(name, command, rest, context.env));
};

const findVerb = (name: string): Promise<{ readonly command: Command }> => {
  const verb = VERBS.find((candidate) => candidate.name === name);
  if (verb !== undefined) return verb.load();
  const names = VERBS.map((candidate) => candidate.name);
  throw new ShuntError('SHUNT_E_UNKNOWN_VERB', { verb: name, nearest: nearest(name, names) });
};

/** After `--` everything is a plain argument. */
const asksHelp = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h');
};

/** Errors we know are told in a line and what to do; any other is a bug, and its stack is what we need to find it. */
const report = (error: unknown, { stderr, env }: Context, json: boolean): number => {
  const known = error instanceof ShuntError ? error : asBug(error);
  const { code, message, help, status } = known;
  if (json) {
    stderr.write(`${JSON.stringify({ error: { code, message, help } })}\n`);
  } else {
    const style = styleFor(stderr, env);
    stderr.write(`${style('red', 'shunt:')} ${message} (${code})\n${help}\n`);
    if (status === 70 && known.cause instanceof Error) stderr.write(`${known.cause.stack}\n`);
  }
  return status;
};

const asBug = (error: unknown): ShuntError => {
  const detail = error instanceof Error ? error.message : String(error);
  return new ShuntError('SHUNT_E_INTERNAL', { detail }, { cause: error });
};
