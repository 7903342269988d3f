import { afterEach, beforeEach, expect, test } from 'vitest';
import { rampedShare } from '../../bench/slow-start.ts';
import { endpoint, NOT_READY, policy, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { ShiftedClock } from '../helpers/shifted-clock.ts';
import { openStage, type Stage } from '../helpers/stage.ts';
import { expectShares, sharesOf } from '../helpers/traffic.ts';

/** A new endpoint gets its connections little by little: an agent on the kernel, in time that the test jumps ahead in. */

type Name = 'client' | 'v1' | 'v2' | 'v3';
const WEB = '10.96.0.1';
/** So long that the time which the test takes by itself is nothing. */
const DURATION_MS = 3_600_000;

let stage: Stage<Name>;
let clock: ShiftedClock;

beforeEach(async () => {
  clock = new ShiftedClock();
  stage = await openStage<Name>({
    name: 'slow-start',
    clients: ['client'],
    servers: ['v1', 'v2', 'v3'],
    objects: () => [],
    agent: { clock },
  });
});

afterEach(() => stage?.[Symbol.asyncDispose]());

const web = (servers: readonly Name[], notReady: readonly Name[] = []) => [
  service({ clusterIPs: [WEB] }),
  slice([
    ...servers.map((name) => endpoint(stage.actors[name].pod.address4, { pod: name })),
    ...notReady.map((name) => endpoint(stage.actors[name].pod.address4, { pod: name, ...NOT_READY })),
  ]),
  policy([], { slowStartMs: DURATION_MS }),
];

const told = () => sharesOf(stage.agent.agent.explain({ address: WEB, port: 80, protocol: 'TCP' }));

/** Of `newcomer` beside two others: as the ramp has it, as the tables do, and as sockets meet it. */
const expectRamp = async (newcomer: Name, atMs: number): Promise<void> => {
  const ramp = rampedShare(atMs, { durationMs: DURATION_MS, backends: 3 });
  await retryUntil(() => {
    const share = told()[newcomer] ?? 0;
    expect(Math.abs(share - ramp), `${share} at ${atMs} ms, where the ramp is at ${ramp}`).toBeLessThan(0.02);
    return true;
  });
  await expectShares(stage.actors.client.shell, WEB, told());
};

test('the share of an endpoint that comes follows its ramp from a tenth of its weight to all of it', async () => {
  await stage.agent.put(...web(['v1', 'v2']));
  expect(told()).toEqual({ v1: 1 / 2, v2: 1 / 2 });
  await stage.agent.put(...web(['v1', 'v2', 'v3']));
  for (let step = 0; step <= 6; step++) {
    await expectRamp('v3', (DURATION_MS / 5) * step);
    clock.jump(DURATION_MS / 5);
  }
  expect(told()).toEqual({ v1: 1 / 3, v2: 1 / 3, v3: 1 / 3 });
});

test('one that was not ready and becomes ready is new, and so is one that comes back', async () => {
  await stage.agent.put(...web(['v1', 'v2'], ['v3']));
  clock.jump(DURATION_MS * 2);
  await stage.agent.put(...web(['v1', 'v2', 'v3']));
  await expectRamp('v3', 0);
  clock.jump(DURATION_MS * 2);
  await stage.agent.put(...web(['v1', 'v2'], ['v3']));
  await stage.agent.put(...web(['v1', 'v2', 'v3']));
  await expectRamp('v3', 0);
});
