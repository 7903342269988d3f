import { agentFlag } from './agent-flags.ts';
import { wrong } from './arguments.ts';
import type { Command } from './command.ts';
import { OUTPUT_FLAGS } from './output.ts';
import { parseSelection } from './selection.ts';
import { styleFor } from './style.ts';
import { SORT_NAMES, type SortName } from './top/columns.ts';
import { live } from './top/live.ts';
import { measure, ratesJson, renderRates, streamJson } from './top/print.ts';
import { readingOf } from './top/reading.ts';
import { isUnicodeLocale } from './top/sparkline.ts';
import { FIRST_VIEW, type View } from './top/view.ts';

export const command: Command = {
  usage: 'top [FLAGS] [NAMESPACE[/NAME]]',
  about:
    'Shows live what Service ports do on this node: connections a second, how many of them fail and how many Shunt\n' +
    'rejects, how many are open and being opened, what half (P50) and 99 % (P99) of connects take at most, bytes a second\n' +
    'that clients send and receive, and CONN/S of the last 30 readings. Above are the sums, and what goes socket to socket.\n' +
    'Where first response times are measured (a TrafficPolicy asks for it), RESP50 and RESP99 are those of answers.\n' +
    'With an argument only that is asked for, and the sums are of that.\n' +
    'Keys: q ends; / filters by a part of NAMESPACE/NAME:PORT, Esc ends that; s and S sort by the next column and the\n' +
    'one before, or n name, c CONN/S, f FAIL/S, j REJ/S, a ACTIVE, p PEND, 5 P50, 9 P99, t RESP50, T RESP99, o OUT/S,\n' +
    'i IN/S, u DGRAM/S, the same again or r reverses; arrows, PgUp, PgDn, Home and End scroll. A narrow terminal has fewer columns.\n' +
    'Without a terminal, or with --once, it prints a table of one interval.',
  positionals: { min: 0, max: 1 },
  flags: {
    interval: { value: 'SECONDS', default: '2', about: 'between readings, 0.1 to 3600' },
    sort: { value: 'COLUMN', default: 'connections', about: `what is sorted by: ${SORT_NAMES.join(', ')}` },
    once: { about: 'print what happens in one interval, and end' },
    output: { ...OUTPUT_FLAGS.output, about: 'how to print; json: a line for each reading, without end' },
    socket: agentFlag('socket'),
  },
  examples: [
    { command: 'shunt top', about: 'all' },
    { command: 'shunt top shop --sort failed', about: 'those of a namespace, with what fails first' },
    { command: 'shunt top --once --interval 10 shop/cart', about: 'one, over ten seconds, to copy' },
    { command: 'shunt top -o json | jq .totals.attemptsPerS', about: 'for scripts' },
  ],
  run: async (context, { values, switches, positionals: [scope] }) => {
    const { stdout, env, parts } = context;
    const isJson = readOutput(values.output) === 'json';
    const view: View = { ...FIRST_VIEW, sort: readSort(values.sort) };
    const intervalMs = readInterval(values.interval);
    const read = readingOf(values.socket ?? '', parseSelection('top', scope));
    const style = styleFor(stdout, env);
    if (switches.has('once') || !(isJson || (await isLive(context)))) {
      const model = await measure(read, intervalMs);
      stdout.write(isJson ? ratesJson(model, view, Date.now()) : renderRates(model, view, { style }));
      return 0;
    }
    const stopped = parts.run.stopRequested();
    if (isJson) {
      await streamJson(context, { read, view, intervalMs, stopped });
      return 0;
    }
    const look = { isUnicode: isUnicodeLocale(env), style, every: `every ${intervalMs / 1000} s`, scope: scope ?? '' };
    await live({ terminals: await parts.terminals(), read, look, view, intervalMs, stopped });
    return 0;
  },
};

const isLive = async ({ stdout, parts }: Parameters<Command['run']>[0]): Promise<boolean> =>
  stdout.isTTY === true && (await parts.terminals()).isThere;

const readOutput = (text: string | undefined): 'table' | 'json' => {
  if (text === 'table' || text === 'json') return text;
  throw wrong('top', `--output: \`${text}\` is neither table nor json`);
};

const readSort = (text: string | undefined): SortName => {
  const name = SORT_NAMES.find((each) => each === text);
  if (name === undefined) throw wrong('top', `--sort: \`${text}\` is none of ${SORT_NAMES.join(', ')}`);
  return name;
};

const readInterval = (text = ''): number => {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds < 0.1 || seconds > 3600) throw wrong('top', `--interval: \`${text}\` is not a number from 0.1 to 3600`);
  return Math.round(seconds * 1000);
};
