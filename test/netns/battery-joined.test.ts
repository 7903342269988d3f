import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BATTERY_MODES, type BatteryMode } from '../helpers/battery.ts';
import { checksOf, DIFFERENT } from '../helpers/battery-checks.ts';
import { type Family, type Lane, type LaneOptions, type LaneResult, openLane } from '../helpers/battery-lane.ts';

/** Each check of TCP with plain TCP and with pairs that are joined, in one run: what an application could tell. */

const SEED = Number(process.env.SEED);
const ROUNDS = 40;
/** Checks wait more than they work. */
const LANES = 5;

/** Too short to be joined, over loopback, or an option that only TCP honours from the first byte on. */
const NEVER_JOINED = [
  'defer_accept',
  'loopback_collision',
  'mptcp_listener',
  'order_fresh_random',
  'order_fresh_tiny',
  'recv_while_connecting',
  'send_close_fresh',
  'tcp_fastopen',
] as const;

let lanes: readonly Lane[] = [];

beforeAll(async () => {
  lanes = await Promise.all(Array.from({ length: LANES }, (_, index) => openLane(`lane-${index}`)));
});

afterAll(() => Promise.all(lanes.map((lane) => lane[Symbol.asyncDispose]())));

const runAll = async (mode: BatteryMode, family: Family): Promise<readonly LaneResult[]> => {
  const waiting = [...checksOf(mode)];
  const options = { mode, family, seed: SEED, rounds: ROUNDS };
  const results: LaneResult[] = [];
  const follow = async (lane: Lane): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift())
      results.push(await lane.run(check, options));
  };
  await Promise.all(lanes.map(follow));
  const settled = [];
  for (const result of results) settled.push(await again(result, options));
  return settled.sort((a, b) => (a.check < b.check ? -1 : 1));
};

/** A busy machine makes anybody late: what may come of that is tried again, alone. Wrong bytes never are. */
const again = async (first: LaneResult, options: LaneOptions): Promise<LaneResult> => {
  const { check } = first;
  const [lane] = lanes as [Lane];
  const isOdd = ({ plain, joined, messages }: LaneResult): boolean =>
    plain !== joined || plain.startsWith('not ok') || (messages === 0 && options.mode === 'event-loop');
  let result = first;
  if (isKnown(DIFFERENT, check) || isKnown(NEVER_JOINED, check)) return result;
  for (let left = 2; left > 0 && isOdd(result) && !WRONG_BYTES.test(result.joined); left--)
    result = await lane.run(check, options);
  return result;
};

const WRONG_BYTES = /byte \d+ is|end of the stream|too early/;

const isKnown = (names: readonly string[], check: string): boolean => names.includes(check);

const differences = (results: readonly LaneResult[]): readonly LaneResult[] =>
  results.filter(({ plain, joined }) => plain !== joined || joined.startsWith('not ok'));

const namesOf = (results: readonly LaneResult[]): readonly string[] => results.map(({ check }) => check);

describe.each(['IPv4', 'IPv6', 'IPv4-mapped'] as const)('over %s', (family) => {
  test('event loops differ from plain TCP where the kernel leaves it so, and nowhere else', async () => {
    const results = await runAll('event-loop', family);
    const unexpected = differences(results).filter(({ check }) => !isKnown(DIFFERENT, check));
    expect(unexpected).toEqual([]);
    expect(namesOf(differences(results))).toEqual(DIFFERENT);
    expect(namesOf(results.filter(({ messages }) => messages === 0))).toEqual(NEVER_JOINED);
  });
});

test.each(BATTERY_MODES.filter((mode) => mode !== 'event-loop'))(
  'applications that are %s cannot tell that they might be joined',
  async (mode) => {
    const results = await runAll(mode, 'IPv4');
    expect(differences(results)).toEqual([]);
    expect(namesOf(results.filter(({ messages }) => messages > 0))).toEqual([]);
  },
);
