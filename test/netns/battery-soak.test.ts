import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { type AgentProcess, startAgentProcess } from '../helpers/agent-process.ts';
import { type BatteryDifference, compare, prepareForBattery, runBattery } from '../helpers/battery.ts';
import { checksOf, DIFFERENT } from '../helpers/battery-checks.ts';
import { ObjectDirectory } from '../helpers/object-directory.ts';
import { pod } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';

/** Pairs that are joined by an agent that ends and starts again and again, compared with plain TCP. */

const SEED = Number(process.env.SEED);
/** The full bar is 12 seeds and a restart every 10 seconds. */
const SOAK_SEEDS = Number(process.env.SOAK_SEEDS ?? 1);
const RESTART_EVERY_S = Number(process.env.RESTART_EVERY_S ?? 2);

let node: EmbeddedNode;
let plain: readonly [Pod, Pod];
let joined: readonly [Pod, Pod];
let objects: ObjectDirectory;

beforeAll(async () => {
  node = await createNode({ name: 'battery-soak' });
  const add = (name: string): Promise<Pod> => node.addPod(name);
  plain = await Promise.all([add('from'), add('to')]);
  joined = await Promise.all([add('joined-from'), add('joined-to')]);
  await Promise.all([...plain, ...joined].map(prepareForBattery));
  objects = new ObjectDirectory();
  const place = ({ name, address4, address6 }: Pod) => ({ name, addresses: [address4, address6] });
  objects.write('plain', ...plain.map((each) => pod(place(each))));
  objects.write('joined', ...joined.map((each) => pod({ ...place(each), sameNode: 'redirect' })));
});

afterAll(async () => {
  await node?.close();
  objects?.[Symbol.dispose]();
});

const CHECKS = checksOf('event-loop').filter((check) => !DIFFERENT.includes(check));

test(`with ${SOAK_SEEDS} seeds, and a restart every ${RESTART_EVERY_S} s, no check of an event loop differs`, {
  timeout: 60_000 + SOAK_SEEDS * 120_000,
}, async ({ annotate }) => {
  const restarts = new Restarts();
  await restarts.start();
  const running = restarts.run();
  const differences: (BatteryDifference & { readonly seed: number })[] = [];
  let messages = 0;
  for (let seed = SEED; seed < SEED + SOAK_SEEDS; seed++) {
    for (const difference of await compareOnce(seed)) differences.push({ ...difference, seed });
    const now = await restarts.messages();
    // Each seed has its share: what is not joined proves nothing.
    expect(now - messages).toBeGreaterThan(1000);
    messages = now;
  }
  restarts.end();
  await running;
  await annotate(`${CHECKS.length * SOAK_SEEDS} checks, ${messages} messages redirected, ${restarts.count} restarts`);
  expect(differences).toEqual([]);
  expect(restarts.count).toBeGreaterThan(0);
});

const compareOnce = async (seed: number): Promise<readonly BatteryDifference[]> => {
  const run = ([from, to]: readonly [Pod, Pod]) => {
    const address = [to.address4, to.address6, `::ffff:${to.address4}`][seed % 3] as string;
    const options = { mode: 'event-loop', seed, rounds: 40, pauseMs: 300, jobs: 4 } as const;
    return runBattery({ from, to, address, checks: CHECKS, ...options });
  };
  return compare(await run(plain), await run(joined)).filter(({ other }) => !IS_KNOWN.test(other ?? ''));
};

/** FIONREAD tells nothing of what came by TCP, as some messages do at a restart: docs/redirection.md. */
const IS_KNOWN = /FIONREAD: \d+ instead of \d+/;

/** An agent that is killed and stopped by turns, and started again. */
class Restarts {
  count = 0;
  #agent: AgentProcess | undefined;
  #isOver = false;

  async start(): Promise<void> {
    const agent = startAgentProcess(node, { source: objects.path });
    this.#agent = await agent.ready();
    await retryUntil(async () => expect((await agent.status()).sameNode?.attached).toBe(true));
  }

  async run(): Promise<void> {
    for (;;) {
      await sleep(RESTART_EVERY_S * 1000);
      if (this.#isOver) return;
      const agent = this.#agent;
      this.#agent = undefined;
      await (this.count % 2 === 0 ? agent?.kill() : agent?.stop());
      await this.start();
      this.count += 1;
    }
  }

  /** Since the first start: what is pinned goes on counting. */
  messages(): Promise<number> {
    return retryUntil(async () => {
      const { sameNode } = (await this.#agent?.status()) ?? {};
      return sameNode?.messages;
    });
  }

  end(): void {
    this.#isOver = true;
  }
}
