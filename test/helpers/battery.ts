import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { runInNamespace, setSysctls } from '../../src/demo/namespace.ts';
import type { Pod } from '../../src/demo/pod.ts';

/** How the applications of the battery go about their sockets: test/helpers/battery/battery.h. */
export const BATTERY_MODES = ['blocking', 'changing', 'event-loop'] as const;
export type BatteryMode = (typeof BATTERY_MODES)[number];

export interface BatteryOptions {
  readonly from: Pod;
  readonly to: Pod;
  readonly mode: BatteryMode;
  readonly seed: number;
  /** Of `to`; its IPv4 address if not given. */
  readonly address?: string;
  /** All of the mode if not given. */
  readonly checks?: readonly string[];
  /** How often what is left to chance is repeated, such as fresh connections. */
  readonly rounds?: number;
  /** Within the first rounds of each connection, so that whoever watches it can act upon them. */
  readonly pauseMs?: number;
  /** Checks that run at once. */
  readonly jobs?: number;
}

/** What each check came to, as the program says it: `ok NAME`, `not ok NAME: why` or `saw NAME: what`. */
export type BatteryLines = ReadonlyMap<string, string>;

export interface BatteryDifference {
  readonly check: string;
  readonly plain: string | undefined;
  readonly other: string | undefined;
}

const PROGRAM = 'build/test/battery';

/** Tells apart runs of one process, as pods of different nodes have the same addresses. */
let runs = 0;

/** Runs the battery between two pods. Both should be prepared. */
export const runBattery = async (options: BatteryOptions): Promise<BatteryLines> => {
  const { from, to, mode, seed, address = to.address4, checks = [], rounds = 100, pauseMs = 0, jobs = 1 } = options;
  runs += 1;
  const place = [address, `${process.pid}.${runs}`];
  const server = to.spawn(PROGRAM, ['server', ...place, '-c', to.cgroup], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    if (server.stdout === null) throw new Error('the server of the battery has no output');
    await once(server.stdout, 'data');
    const numbers = ['-n', rounds, '-s', seed, '-p', pauseMs, '-j', jobs].map(String);
    return await runClient(from, ['client', ...place, '-c', from.cgroup, '-m', mode, ...numbers, ...checks]);
  } finally {
    server.kill('SIGKILL');
    await rm(`/tmp/battery-${place.join('-')}`, { force: true });
  }
};

/**
 * What a pod needs for the battery: packets that are taken by another CPU than their sender's, TCP Fast Open, and the
 * same buffers on every machine.
 */
export const prepareForBattery = async ({ name, netns }: Pod): Promise<void> => {
  const queues = 'for cpus in /sys/class/net/*/queues/rx-0/rps_cpus; do echo 3 > "$cpus"; done';
  await runInNamespace(netns, `preparing the pod ${name} for the battery`, [
    ...setSysctls({
      'net.ipv4.tcp_fastopen': 3,
      'net.ipv4.tcp_rmem': '4096 131072 4194304',
      'net.ipv4.tcp_wmem': '4096 16384 4194304',
    }),
    // A /sys that shows the interfaces of this network namespace, seen by nobody else.
    `unshare --mount sh -ec 'mount -t sysfs sysfs /sys; ${queues}'`,
  ]);
};

/** The checks that went otherwise than with plain TCP. Those that failed differ, whatever they say. */
export const compare = (plain: BatteryLines, other: BatteryLines): readonly BatteryDifference[] =>
  [...new Set([...plain.keys(), ...other.keys()])]
    .map((check) => ({ check, plain: plain.get(check), other: other.get(check) }))
    .filter((row) => row.plain !== row.other || row.other?.startsWith('not ok '));

const runClient = async (from: Pod, args: readonly string[]): Promise<BatteryLines> => {
  const client = from.spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const { stdout, stderr } = client;
  if (stdout === null || stderr === null) throw new Error('the client of the battery has no output');
  const [output, complaint, [status]] = await Promise.all([text(stdout), text(stderr), once(client, 'exit')]);
  if (status !== 0 && status !== 1) throw new Error(`the battery ended with status ${status}: ${complaint}`);
  return new Map(output.split('\n').flatMap(readLine));
};

const readLine = (line: string): readonly (readonly [string, string])[] => {
  const name = /^(?:ok|not ok|saw) ([a-z0-9_]+)/.exec(line)?.[1];
  return name === undefined ? [] : [[name, line]];
};
