import type { Act } from '../act.ts';
import { REGISTER } from '../cluster.ts';
import { ClusterDirectory } from '../cluster-directory.ts';
import { judge, sharesOf } from '../judge.ts';
import { askedText, certaintyText, judgementFigure, judgementText } from '../words.ts';

const CONNECTIONS = 2000;
const WITHIN_MS = 12_000;
const NEXT_WEIGHTS = { v1: 50, v2: 50 } as const;

export const shift: Act = {
  name: 'shift',
  claim: 'The shares move when an object is edited',
  play: async ({ agent, cluster, screen, servers, traffic }) => {
    screen.say(`${ClusterDirectory.sharesFile}: ${askedText(cluster.weights)} becomes ${askedText(NEXT_WEIGHTS)}`);
    const writtenAtMs = await cluster.setWeights(NEXT_WEIGHTS);
    const wanted = servers.bySocket(REGISTER, sharesOf(NEXT_WEIGHTS));
    const inForceAtMs = await agent.inForce(REGISTER.address4, REGISTER.port, wanted);
    const window = await traffic.window();
    const tally = await window.until(CONNECTIONS, WITHIN_MS);
    const register = judge(tally.register, NEXT_WEIGHTS);
    const fileToKernelMs = inForceAtMs - writtenAtMs;
    return {
      holds: register.holds && fileToKernelMs >= 0,
      figure: { fileToKernelMs, register: judgementFigure(register) },
      shown: [
        ...screen.bars(tally),
        `in the kernel ${fileToKernelMs} ms after the file was written`,
        certaintyText(register),
      ],
      summary: `register ${judgementText(register)}; file to kernel in ${fileToKernelMs} ms`,
    };
  },
};
