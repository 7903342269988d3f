import type { Act } from '../act.ts';
import { judge } from '../judge.ts';
import { total } from '../tally.ts';
import { certaintyText, failedText, judgementFigure } from '../words.ts';

const CONNECTIONS = 1000;
const WITHIN_MS = 8000;

export const killed: Act = {
  name: 'killed',
  claim: 'Connections keep working, in their shares, while the agent is dead',
  play: async ({ agent, cluster, screen, traffic }) => {
    screen.say(`kill -9 ${agent.pid}`);
    await agent.kill();
    const window = await traffic.window();
    const tally = await window.until(CONNECTIONS, WITHIN_MS);
    const agentAnswers = await agent.answers();
    const failed = total(tally.failed);
    const register = judge(tally.register, cluster.weights);
    return {
      holds: !agentAnswers && failed === 0 && register.holds,
      figure: {
        agentAnswers,
        connections: tally.answered + failed,
        failed,
        errors: tally.failed,
        register: judgementFigure(register),
      },
      shown: [...screen.bars(tally), certaintyText(register), failedText(tally)],
      summary: failedText(tally),
    };
  },
};
