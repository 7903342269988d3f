import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, makeObjects } from '../agent.ts';
import { say } from '../options.ts';
import { type Account, type Expected, expectedOf, type Figures } from './expected.ts';
import type { Comparison, TruthResult, TruthSettings } from './results.ts';
import { parseTold, type Row, sumOf, type Told } from './rows.ts';
import { growObjects, openTruthStage, type TruthStage } from './stage.ts';
import { KEPT_TARGETS, TARGETS } from './targets.ts';
import { compare, toldBy } from './told.ts';

/** Counted late: bytes of what goes on, every 5 seconds; and whose cgroup it is, every 10. */
const LATE_MS = 25_000;
const LOOK_MS = 250;
/** Fewer than there are at times: some are remembered in socket storage. */
const CONNECTIONS = 4096;

/**
 * Clients of several workloads make connections that end in every way there is, and count themselves what became of
 * them. Meanwhile the tables of `shunt run` grow, and another agent takes its place. What it tells in the end, of
 * Services, workloads and backends, must be what clients have counted; and so what it tells of connections that go on.
 */
export const measureTruth = async (
  settings: TruthSettings,
  signal: AbortSignal,
): Promise<Omit<TruthResult, 'bench' | 'machine' | 'settings'>> => {
  await using cleanup = new AsyncDisposableStack();
  const { directory, objects } = await makeObjects('truth', cleanup);
  const stage = await openTruthStage(objects, cleanup);
  const { cgroup, bpfRoot } = stage.node;
  const place = { cgroup, bpfRoot, socket: `${directory}/admin.sock`, connections: CONNECTIONS };
  let agent = new Agent(objects, place);
  cleanup.defer(() => agent.stop());
  await agent.ready();
  const told = async () => toldBy(`http://${(await agent.logged('serving metrics')).address}/metrics`, place.socket);
  const isAttached = async () => (await told()).get('shunt_same_node_attached') === 1;
  if (!(await comes(isAttached, signal))) throw new Error('redirection is not attached');

  const runs = new Runs(stage, settings);
  await runs.open();
  const startedMs = performance.now();
  say('truth: connections');
  await runs.run(0);
  signal.throwIfAborted();
  say('truth: while the tables grow');
  const grown = agent.next('applied');
  await Promise.all([runs.run(1), growObjects(objects), grown]);
  signal.throwIfAborted();
  say('truth: while another agent begins');
  await Promise.all([
    runs.run(2),
    (async () => {
      await agent.stop();
      agent = new Agent(objects, place);
      await agent.ready();
    })(),
  ]);
  const seconds = Number(((performance.now() - startedMs) / 1000).toFixed(1));
  say('truth: what is told');
  const going = await settled(told, runs.expected(), signal);
  await runs.end();
  const ended = await settled(told, runs.expected(), signal);
  return { seconds, ...runs.figures(), ...joined(going, ended) };
};

/** What clients do, and what they have counted so far. */
class Runs {
  readonly #stage: TruthStage;
  readonly #settings: TruthSettings;
  readonly #short: Row[][];
  #kept: readonly Told[] = [];

  constructor(stage: TruthStage, settings: TruthSettings) {
    this.#stage = stage;
    this.#settings = settings;
    this.#short = stage.clients.map(() => []);
  }

  async open(): Promise<void> {
    await this.#askKept(`open ${this.#settings.kept}`);
    // As many as make them ripe for the short way.
    await this.#askKept(`talk ${RIPE}`);
    await sleep(WALK_MS);
  }

  /** One third of all connections. */
  async run(part: number): Promise<void> {
    const { connections, threads, seed, talks } = this.#settings;
    const { clients } = this.#stage;
    const shares = clients.length * PARTS;
    await Promise.all([
      this.#askKept(`talk ${talks}`),
      ...clients.map(async ({ short }, index) => {
        const share = part * clients.length + index;
        const count = portion(connections, share + 1, shares) - portion(connections, share, shares);
        const { rows } = parseTold(await short.ask(`run ${count} ${threads} ${(seed % SEEDS) * shares + share}`));
        this.#short[index]?.push(...rows);
      }),
    ]);
  }

  async end(): Promise<void> {
    await this.#askKept('end');
  }

  expected(): Expected {
    const accounts = this.#stage.clients.flatMap(({ workload }, index): Account[] => [
      { workload, targets: TARGETS, rows: this.#short[index] ?? [] },
      { workload, targets: KEPT_TARGETS, rows: this.#kept[index]?.rows ?? [] },
    ]);
    const { counters, traffic } = expectedOf(accounts, this.#stage.servers);
    const redirected = this.#redirected();
    return {
      counters: new Map([...counters, ...NEVER]),
      traffic:
        redirected === undefined
          ? traffic
          : new Map([...traffic, ['shunt_same_node_bytes_total', redirected] as const]),
    };
  }

  figures(): Pick<TruthResult, 'endings' | 'bytes'> {
    const sum = sumOf([...this.#short.flat(), ...this.#kept.flatMap(({ rows }) => rows)]);
    const { sent, received, refused, timedOut, unreachable, abandoned, rejected, closed, reset, broken } = sum;
    return {
      endings: {
        'in order': closed - reset - broken,
        reset,
        broken,
        refused,
        'timed out': timedOut,
        unreachable,
        abandoned,
        rejected,
      },
      bytes: { sent, received, redirected: this.#redirected() ?? 0 },
    };
  }

  /** Known once they have ended. */
  #redirected(): number | undefined {
    const { sent, received } = sumOf(this.#kept.flatMap(({ rows }) => rows));
    const tcp = this.#kept.reduce((sum, { tcpSent, tcpReceived }) => sum + tcpSent + tcpReceived, 0);
    return tcp === 0 ? undefined : sent + received - tcp;
  }

  async #askKept(line: string): Promise<void> {
    this.#kept = await Promise.all(this.#stage.clients.map(async ({ kept }) => parseTold(await kept.ask(line))));
  }
}

const PARTS = 3;
/** Seeds of 32 bits, and room for one of each part. */
const SEEDS = 2 ** 32;
const RIPE = 64;
/** Sockets are joined every 100 ms. */
const WALK_MS = 500;

const portion = (all: number, part: number, parts: number): number => Math.floor((all * part) / parts);

/** Nothing was left out of what is counted. */
const NEVER = ['unremembered', 'unnamed', 'refused_bad_table'].map(
  (verdict) => [`shunt_verdicts_total{verdict="${verdict}"}`, 0] as const,
);

type Compared = Readonly<Record<keyof Expected, Comparison>>;

/** As soon as nothing differs, or as it is when that would have to be so. */
const settled = async (told: () => Promise<Figures>, expected: Expected, signal: AbortSignal): Promise<Compared> => {
  let last: Compared = { counters: { compared: 0, different: [] }, traffic: { compared: 0, different: [] } };
  await comes(async () => {
    const figures = await told();
    last = { counters: compare(expected.counters, figures), traffic: compare(expected.traffic, figures) };
    return last.counters.different.length + last.traffic.different.length === 0;
  }, signal);
  return last;
};

const joined = (going: Compared, ended: Compared): Compared => {
  const join = (field: keyof Compared): Comparison => ({
    compared: going[field].compared + ended[field].compared,
    different: [...going[field].different.map((text) => `while connections go on: ${text}`), ...ended[field].different],
  });
  return { counters: join('counters'), traffic: join('traffic') };
};

/** Whether it is so within the time that things may take. */
const comes = async (isTrue: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> => {
  const untilMs = performance.now() + LATE_MS;
  while (!(await isTrue())) {
    if (performance.now() > untilMs) return false;
    await sleep(LOOK_MS, undefined, { signal });
  }
  return true;
};
