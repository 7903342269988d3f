import type { Act } from '../act.ts';
import { judge } from '../judge.ts';
import { askedText, certaintyText, judgementFigure, judgementText } from '../words.ts';

const CONNECTIONS = 2000;
const WITHIN_MS = 12_000;
/** Endpoints that no policy speaks of are equal. */
export const EQUAL = { v1: 1, v2: 1 } as const;

export const shares: Act = {
  name: 'shares',
  claim: 'A Service address is answered in the shares that its objects ask for',
  play: async ({ cluster, screen, traffic }) => {
    screen.say(`register: a TrafficPolicy asks for ${askedText(cluster.weights)}; login: none, equal shares`);
    const window = await traffic.window();
    const tally = await window.until(CONNECTIONS, WITHIN_MS);
    const register = judge(tally.register, cluster.weights);
    const login = judge(tally.login, EQUAL);
    return {
      holds: register.holds && login.holds,
      figure: { register: judgementFigure(register), login: judgementFigure(login) },
      shown: [...screen.bars(tally), certaintyText(login, register)],
      summary: `register ${judgementText(register)}`,
    };
  },
};
