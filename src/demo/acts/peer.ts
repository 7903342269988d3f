import { count } from '../../cli/numbers.ts';
import type { Act } from '../act.ts';
import { LOGIN } from '../cluster.ts';

export const peer: Act = {
  name: 'peer',
  claim: 'An application sees the Service address as its peer (getpeername)',
  play: async ({ screen, traffic }) => {
    screen.say('what the client was told on each of its connections so far');
    const { answered, peers } = traffic.total;
    const toService = peers[LOGIN.address4] ?? 0;
    const text = `${LOGIN.address4} on ${count(toService)} of ${count(answered)} connections`;
    return {
      holds: answered > 0 && toService === answered,
      figure: { connections: answered, peers },
      shown: [text],
      summary: text,
    };
  },
};
