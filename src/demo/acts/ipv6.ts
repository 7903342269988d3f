import { count } from '../../cli/numbers.ts';
import type { Act } from '../act.ts';
import { LOGIN, REGISTER } from '../cluster.ts';
import { judge } from '../judge.ts';
import { startTraffic } from '../stage.ts';
import { total } from '../tally.ts';
import { certaintyText, failedText, judgementFigure, judgementText } from '../words.ts';

const CONNECTIONS = 500;
const WITHIN_MS = 5000;

export const ipv6: Act = {
  name: 'ipv6',
  claim: 'The IPv6 addresses of a Service are answered just the same',
  play: async ({ client, cluster, screen, signal }) => {
    screen.say(`client -> login [${LOGIN.address6}]:80 -> register [${REGISTER.address6}]:80`);
    const traffic = await startTraffic(client, `http://[${LOGIN.address6}]/login`, signal);
    const window = await traffic.window();
    await window.until(CONNECTIONS, WITHIN_MS);
    await traffic.stop();
    const { tally } = window;
    const register = judge(tally.register, cluster.weights);
    const failed = total(tally.failed);
    const peers = tally.peers[LOGIN.address6] ?? 0;
    return {
      holds: failed === 0 && register.holds && peers === tally.answered,
      figure: {
        connections: tally.answered + failed,
        failed,
        errors: tally.failed,
        register: judgementFigure(register),
      },
      shown: [...screen.bars(tally), certaintyText(register), failedText(tally)],
      summary: `register ${judgementText(register)}; ${count(failed)} failed`,
    };
  },
};
