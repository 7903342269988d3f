import type { Act } from '../act.ts';
import { total } from '../tally.ts';
import { failedText } from '../words.ts';

export const whole: Act = {
  name: 'whole',
  claim: 'Not one connection failed from the beginning to the end',
  play: async ({ screen, traffic }) => {
    screen.say('all of the steady traffic, whatever happened meanwhile');
    const tally = traffic.total;
    const failed = total(tally.failed);
    return {
      holds: failed === 0 && tally.answered > 0,
      figure: { connections: tally.answered + failed, failed, errors: tally.failed },
      shown: [failedText(tally)],
      summary: failedText(tally),
    };
  },
};
