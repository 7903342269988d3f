import { atMost, type Bar, count } from '../bar.ts';
import { renderMachine, table } from '../markdown.ts';
import type { Comparison, TruthResult } from './results.ts';

export const truthBars = ({ settings, counters, traffic }: TruthResult): Bar[] => [
  comparisonBar(`counters against truth, of ${count(settings.connections)} connections`, counters),
  comparisonBar('bytes against truth, socket to socket and not', traffic),
];

const comparisonBar = (what: string, { compared, different }: Comparison): Bar =>
  atMost(`${what}: figures of ${count(compared)} that are not equal`, different.length, 0, count);

export const renderTruth = ({ machine, settings, seconds, endings, bytes, ...compared }: TruthResult): string => {
  const different = [...compared.counters.different, ...compared.traffic.different];
  return [
    '## What is counted, and what is true',
    renderMachine(machine),
    `${count(settings.connections)} connections of four clients in three workloads to nine Services, over IPv4, IPv6 and ` +
      'IPv4-mapped IPv6, with weights, a route, and endpoints that answer, refuse, say nothing or are nowhere. They end in ' +
      'all the ways below: by the client or the server, by a reset of either, by kill -9 of the client. Meanwhile the tables ' +
      'of the agent grow, and another agent takes its place. Each client counts itself; what is counted for Services, ' +
      'backends and workloads must be the same. Some connections go on all the time, of which some go socket to socket; ' +
      `they are compared while they live, and again when they have ended. It took ${count(seconds)} s. Seed ${settings.seed}.`,
    table(
      ['connections that ended', 'number'],
      Object.entries(endings).map(([ending, number]) => [ending, count(number)]),
    ),
    table(
      ['payload', 'bytes'],
      [
        ['sent', count(bytes.sent)],
        ['received', count(bytes.received)],
        ['of both, socket to socket', count(bytes.redirected)],
      ],
    ),
    different.length === 0
      ? `All of ${count(compared.counters.compared + compared.traffic.compared)} figures are equal.`
      : different.map((text) => `- ${text}`).join('\n'),
  ].join('\n\n');
};
