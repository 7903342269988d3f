import { count, milliseconds } from '../../cli/numbers.ts';
import type { Act } from '../act.ts';
import { BILLING } from '../cluster.ts';
import { knock } from '../knock.ts';

const CONNECTIONS = 200;
/** Whoever waits for a packet waits this long for the first retransmission of TCP (RFC 6298): 1 s. */
const AT_ONCE_MS = 1000;

export const refused: Act = {
  name: 'refused',
  claim: 'A Service without endpoints refuses at once (ECONNREFUSED)',
  play: async ({ client, screen }) => {
    const { name, address4, address6, port } = BILLING;
    screen.say(`connect to ${name}, ${address4}:${port} and [${address6}]:${port}, ${CONNECTIONS} times each`);
    const [ipv4, ipv6] = [
      await knock(client, address4, port, CONNECTIONS),
      await knock(client, address6, port, CONNECTIONS),
    ];
    const refusals = [ipv4, ipv6].map(({ outcomes }) => outcomes.ECONNREFUSED ?? 0);
    const sum = refusals.reduce((a, b) => a + b);
    const slowestMs = Math.max(ipv4.slowestMs, ipv6.slowestMs);
    const medianMs = Math.max(ipv4.medianMs, ipv6.medianMs);
    const refusedText = `${count(sum)} of ${count(2 * CONNECTIONS)} refused, in ${rounded(medianMs)} ms (median)`;
    return {
      holds: refusals.every((each) => each === CONNECTIONS) && slowestMs < AT_ONCE_MS,
      figure: { ipv4: ipv4.outcomes, ipv6: ipv6.outcomes, medianMs: rounded(medianMs), slowestMs: rounded(slowestMs) },
      shown: [`${refusedText}, the slowest in ${milliseconds(slowestMs)}`],
      summary: refusedText,
    };
  },
};

const rounded = (ms: number): number => Math.round(ms * 100) / 100;
