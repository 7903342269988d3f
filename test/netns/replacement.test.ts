import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/agent/clock.ts';
import { openShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';

/** A connection may choose an endpoint in the very moment in which it is retired. */

/** One for each thread that connects: two of one Service would put each other right. */
const STICKY = ['10.96.0.1', '10.96.0.2'] as const;
const REPLACEMENTS = 2500;

let stage: Stage<'client' | 'v1' | 'v2'>;

beforeAll(async () => {
  stage = await openStage({
    name: 'replacement',
    clients: ['client'],
    servers: ['v1', 'v2'],
    objects: ({ v1 }) =>
      STICKY.flatMap((address, index) => serviceWith(`sticky-${index}`, [address], [v1], { affinityTimeoutS: 10_800 })),
    // To this agent the 10 ms between two changes have always passed.
    agent: { clock: { ...systemClock, monotonicMs: () => performance.now() * 1000 } },
  });
});

afterAll(() => stage?.[Symbol.asyncDispose]());

test('a pod with session affinity does not keep to an endpoint that was replaced, however fast that happens', async () => {
  const { client, v1, v2 } = stage.actors;
  await using other = await openShell(client.pod);
  const [one, two] = [
    { address: STICKY[0], port: 80 },
    { address: STICKY[1], port: 80 },
  ];
  // UDP connects without a packet: hardly anything else is done than choosing. Ends with its shell.
  const connecting = other.connectRace(await other.socket('udp4'), [one, two], 1_000_000_000);
  connecting.catch(() => {});
  for (let turn = 0; turn < REPLACEMENTS; turn += 1) {
    const server = turn % 2 === 0 ? v2 : v1;
    await stage.agent.put(...STICKY.flatMap((_, index) => slicesOf(`sticky-${index}`, [server])));
    for (const address of STICKY)
      expect(await client.shell.whoAnswers('udp', address, 80), `after ${turn} replacements`).toBe(server.pod.name);
  }
  await other.kill();
});
