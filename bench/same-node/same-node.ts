import { machineFacts } from '../machine.ts';
import { type Options, say } from '../options.ts';
import { measureCosts } from './cost.ts';
import { haproxyVersion } from './haproxy.ts';
import { measurePrograms } from './program-runs.ts';
import type { Placement, SameNodeResult, SameNodeSettings, SameNodeSpeed } from './results.ts';
import { measureSpeed, PLAIN, REDIRECTED, SIDECARS, UNIX } from './speed.ts';
import { measureStalled } from './stalled.ts';
import { measureWalks } from './walk.ts';

/** Connections between two Pods of one node, redirected and not. */
export const runSameNode = async ({ seed, rounds }: Options, signal: AbortSignal): Promise<SameNodeResult> => {
  const settings: SameNodeSettings = {
    seed,
    rounds,
    requests: 4000,
    requestBytes: [1, 1024, 16_384],
    bulkBytes: 2 ** 28,
    bulkWriteBytes: 2 ** 17,
    costRounds: rounds * COST_ROUNDS_PER_ROUND,
    costRequests: 2000,
    costConnects: 300,
    walkSockets: [100, 1000, 10_000],
  };
  const speed: SameNodeSpeed[] = [];
  for (const placement of PLACEMENTS) {
    say(`same-node: speed, on ${placement === 'one' ? 'one CPU' : 'two CPUs'}`);
    speed.push(...(await measureSpeed(settings, placement, signal)));
  }
  say('same-node: stalled readers, walks, programs');
  const stalled = await measureStalled(settings, signal);
  const walks = await measureWalks(settings, signal);
  const programs = await measurePrograms(settings);
  say('same-node: what others pay');
  const costs = await measureCosts(settings, signal);
  const contenders = await describeContenders();
  return {
    bench: 'same-node',
    machine: await machineFacts(),
    settings,
    contenders,
    speed,
    costs,
    stalled,
    walks,
    programs,
  };
};

const PLACEMENTS: readonly Placement[] = ['one', 'two'];
/** What is looked for is smaller. */
const COST_ROUNDS_PER_ROUND = 4;

const describeContenders = async (): Promise<SameNodeResult['contenders']> => [
  { name: REDIRECTED, description: 'this project: the connection of two Pods that take part' },
  {
    name: PLAIN,
    description: 'the same between two Pods at whose node nothing is attached, over veth pairs and a bridge',
  },
  { name: UNIX, description: 'two processes with a pair of stream sockets' },
  {
    name: SIDECARS,
    description: `HAProxy ${await haproxyVersion()} in TCP mode in each Pod, client and server speak to theirs over loopback`,
  },
];
