import { constants } from 'node:os';
import { ShuntError } from '../errors.ts';
import { wrong } from './arguments.ts';
import type { Command } from './command.ts';
import type { Output } from './context.ts';
import type { DemoReport } from './parts.ts';

export const command: Command = {
  usage: 'demo [FLAGS]',
  about:
    'Makes a small node out of network namespaces, with two applications, login and register, a directory of\n' +
    'Kubernetes objects as its cluster, and the agent; sends real connections, and measures what Shunt promises.\n' +
    'Nothing leaves the node, and nothing is left of it. Takes half a minute, and root.',
  flags: {
    check: { about: 'print one line of JSON only; the exit status is 0 if every claim held' },
    keep: { about: 'leave the node up at the end, until Ctrl-C, and say how to look around' },
    ui: { about: 'show the live page meanwhile, at an address of this machine that is said' },
  },
  examples: [
    { command: 'shunt demo', about: 'watch' },
    { command: 'shunt demo --keep', about: 'then try it yourself' },
    { command: 'shunt demo --ui --keep', about: 'watch in a browser, for as long as you like' },
    { command: 'shunt demo --check | jq .claims', about: 'for machines' },
  ],
  run: async ({ stdout, stderr, env, parts }, { switches }) => {
    const check = switches.has('check');
    const keep = switches.has('keep');
    const ui = switches.has('ui');
    if (check && keep) throw wrong('demo', '--check ends by itself, --keep does not: choose one');
    if (check && ui)
      throw wrong('demo', '--check says nothing but its result, --ui says where the page is: choose one');
    const stopped = parts.run.stopRequested();
    try {
      const report = await parts.demo({ output: stdout, env, silent: check, keep, ui, stopped });
      if (check) printLine(stdout, publicReport(report));
      diagnose(stderr, report);
      return statusOf(report);
    } catch (error) {
      if (check && error instanceof ShuntError) printLine(stdout, brokenReport(error));
      throw error;
    }
  },
};

const printLine = (stdout: Output, data: object): void => {
  stdout.write(`${JSON.stringify(data)}\n`);
};

const publicReport = ({ ok, claims, node, durationMs }: DemoReport): object => ({
  ok,
  claims: claims.map(({ name, claim, holds, summary, figure }) => ({ name, claim, holds, summary, figure })),
  node,
  durationMs,
});

/** Of a demo that could not be played: nothing was claimed. */
const brokenReport = ({ code, message, help }: ShuntError): object => ({
  ok: false,
  claims: [],
  error: { code, message, help },
});

/** What helps to find out why; nothing when all is well. */
const diagnose = (stderr: Output, { ok, claims, agentLog, interruptedBy }: DemoReport): void => {
  if (interruptedBy !== undefined) {
    stderr.write(`shunt: interrupted by ${interruptedBy}; everything was removed\n`);
    return;
  }
  if (ok) return;
  for (const { name, claim, holds, figure } of claims) {
    if (!holds) stderr.write(`shunt: ${name} does not hold: ${claim}\n  ${JSON.stringify(figure)}\n`);
  }
  stderr.write(['the agent said last:', ...agentLog].map((line) => `${line}\n`).join(''));
};

/** As a shell tells of a process that a signal ended. */
const statusOf = ({ ok, interruptedBy }: DemoReport): number => {
  if (interruptedBy !== undefined) return 128 + (constants.signals[interruptedBy as NodeJS.Signals] ?? 0);
  return ok ? 0 : 1;
};
