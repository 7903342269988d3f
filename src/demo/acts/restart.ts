import { count } from '../../cli/numbers.ts';
import type { Act } from '../act.ts';
import { total } from '../tally.ts';
import { failedText } from '../words.ts';

const CONNECTIONS = 300;
const WITHIN_MS = 4000;

export const restart: Act = {
  name: 'restart',
  claim: 'A restarted agent finds everything in force and writes nothing',
  play: async ({ agent, screen, traffic }) => {
    screen.say('shunt run ... once more');
    const window = await traffic.window();
    const startedMs = performance.now();
    const { lastChange } = await agent.start();
    const readyAfterMs = Math.round(performance.now() - startedMs);
    const tally = await window.until(CONNECTIONS, WITHIN_MS);
    const failed = total(tally.failed);
    const writes = total({ ...lastChange?.writes });
    const ports = lastChange?.ports ?? 0;
    const written = `${count(writes)} table writes for ${count(ports)} Service ports`;
    return {
      holds: lastChange !== undefined && ports > 0 && writes === 0 && failed === 0 && tally.answered > 0,
      figure: { readyAfterMs, servicePorts: ports, tableWrites: writes, connections: tally.answered + failed, failed },
      shown: [`ready after ${readyAfterMs} ms; ${failedText(tally)}`, written],
      summary: written,
    };
  },
};
