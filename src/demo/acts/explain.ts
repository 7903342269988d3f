import { percent } from '../../cli/numbers.ts';
import type { Decision } from '../../core/explain/decision.ts';
import type { Act } from '../act.ts';
import { mainPath } from '../agent-process.ts';
import { REGISTER, VERSIONS } from '../cluster.ts';
import { runCommand } from '../command.ts';
import { sharesOf } from '../judge.ts';
import type { Counts } from '../tally.ts';

const QUESTION = `${REGISTER.address4}:${REGISTER.port}`;

export const explain: Act = {
  name: 'explain',
  claim: 'shunt explain says which object gave which share',
  play: async ({ agent, cluster, screen, servers }) => {
    const args = ['explain', QUESTION, '--socket', agent.settings.socket];
    const text = await shunt(args);
    screen.block([`$ shunt explain ${QUESTION}`, ...text.trimEnd().split('\n')]);
    const decision = JSON.parse(await shunt([...args, '-o', 'json'])) as Decision;
    const wanted = sharesOf(cluster.weights);
    const pods = new Map(VERSIONS.map((version) => [servers.endpoint(REGISTER, version).pod, wanted[version] ?? 0]));
    const told = toldShares(decision);
    const kernelAgrees = decision.kernel?.agrees === true;
    const holds = kernelAgrees && [...pods].every(([pod, share]) => told[pod] === share);
    const given = Object.values(told).map((share) => percent(share));
    const summary = `told ${given.join(' and ')}; the kernel ${kernelAgrees ? 'agrees' : 'does not agree'}`;
    return {
      holds,
      figure: { told, kernelAgrees },
      shown: [summary],
      summary,
    };
  },
};

const shunt = (args: readonly string[]): Promise<string> =>
  runCommand('asking shunt explain', process.execPath, [mainPath, ...args]);

/** Shares (0..1) by pod, of endpoints whose share was given by a policy. */
const toldShares = (decision: Decision): Counts => {
  if (decision.outcome !== 'sent') return {};
  return Object.fromEntries(
    decision.endpoints.flatMap(({ pod, verdict }) =>
      verdict.verdict === 'share' && verdict.saidBy !== undefined ? [[pod, verdict.weight / verdict.of]] : [],
    ),
  );
};
