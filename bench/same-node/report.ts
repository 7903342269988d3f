import { count, ratioText, renderMachine, table } from '../markdown.ts';
import { sizeText } from './bars.ts';
import type { Placement, SameNodeFigures, SameNodeResult, SameNodeSpeed } from './results.ts';

/** The section of docs/benchmarks.md about same-node redirection. [redirection.md](../../docs/redirection.md) says how. */
export const renderSameNode = (result: SameNodeResult): string => {
  const { settings, contenders } = result;
  return [
    '## Same-node redirection',
    renderMachine(result.machine),
    `Two Pods of one node. One connection of each contender, with an event loop at both ends; ${settings.rounds} rounds of ` +
      `${count(settings.requests)} requests, each answered with as many bytes, and of ${count(settings.bulkBytes / 2 ** 20)} ` +
      `MiB one way, in writes of ${sizeText(settings.bulkWriteBytes)}. A figure is the mean of a round. What is said of the ` +
      `redirected one was redirected, by its own count. Seed ${settings.seed}.`,
    contenders.map(({ name, description }) => `- **${name}**: ${description}.`).join('\n'),
    '![Time of a request, on one CPU](plots/same-node.svg)',
    ...(['one', 'two'] as const).flatMap((placement) => renderPlacement(result, placement)),
    renderCosts(result),
    renderStalled(result),
    renderWalks(result),
  ].join('\n\n');
};

const PLACEMENTS: Readonly<Record<Placement, { readonly title: string; readonly note: string }>> = {
  one: {
    title: 'On one CPU',
    note: 'A time is all the work that a request makes, at both sides.',
  },
  two: {
    title: 'On two CPUs',
    note:
      'The client on one, the server on the other, both kept awake by a process that yields to any other. What it takes to ' +
      'wake a process up on another CPU is in every figure, twice for each request, and of a virtual machine it is most of it.',
  },
};

const renderPlacement = ({ speed }: SameNodeResult, placement: Placement): string[] => {
  const { title, note } = PLACEMENTS[placement];
  const here = speed.filter((each) => each.placement === placement);
  return [
    `### ${title}`,
    `${note} Of each: median, best round, and the redirected one's as a multiple: of medians, of best rounds, and round by round.`,
    ...here.map(renderSpeed),
  ];
};

const renderSpeed = ({ what, bytes, redirected, contenders }: SameNodeSpeed): string => {
  const ours = contenders[0] as SameNodeFigures;
  const isBulk = what === 'bulk';
  const name = isBulk
    ? `Bulk in writes of ${sizeText(bytes)}, Gb/s; ${(redirected * 100).toFixed(1)} % redirected`
    : `Request of ${sizeText(bytes)}, us`;
  return table(
    [name, 'median', 'best', 'of medians', 'of best', 'round by round'],
    contenders.map(({ name: other, median, best }) => {
      const against = ours.against[other];
      const ratios =
        against === undefined
          ? ['', '', '']
          : [against.medians.toFixed(2), against.best.toFixed(2), ratioText(against.rounds)];
      return [other, median.toFixed(1), best.toFixed(1), ...ratios];
    }),
  );
};

const renderCosts = ({ settings, costs }: SameNodeResult): string =>
  [
    '### What others pay',
    `Programs are attached and detached in turns, ${count(settings.costRounds)} times, fewer where it takes seconds, with new ` +
      `connections each time: ${count(settings.costRequests)} requests of one byte, or ${count(settings.costConnects)} ` +
      'connections, on one CPU, the best of three runs. The interval holds the median of all ratios with a confidence of 95 %.',
    table(
      ['', 'without, us', 'round by round', 'interval', 'of medians', 'of best'],
      costs.map(({ what, medianUs, comparison, interval: [low, high] }) => [
        what,
        medianUs.toFixed(2),
        ratioText(comparison.rounds),
        `${low.toFixed(3)}..${high.toFixed(3)}`,
        comparison.medians.toFixed(3),
        comparison.best.toFixed(3),
      ]),
    ),
  ].join('\n\n');

const renderStalled = ({ stalled }: SameNodeResult): string =>
  [
    '### A reader that stalls',
    'What a sender gets rid of before it is told to wait, and the memory that both sockets then take, in KiB.',
    table(
      [
        'writes',
        'before',
        ...(stalled[0]?.contenders ?? []).flatMap(({ name }) => [`${name}, bytes`, `${name}, memory`]),
      ],
      stalled.map(({ writeBytes, grown, contenders }) => [
        sizeText(writeBytes),
        grown ? '64 MiB sent' : 'nothing',
        ...contenders.flatMap(({ acceptedBytes, memoryBytes }) =>
          [acceptedBytes, memoryBytes].map((bytes) => count(bytes / 1024)),
        ),
      ]),
    ),
  ].join('\n\n');

const renderWalks = ({ walks, programs }: SameNodeResult): string =>
  [
    '### What joining costs',
    'One walk of the agent over all sockets that may be joined, in microseconds, and one in which all of them are joined:',
    table(
      ['sockets', 'nothing to do', 'all are joined', 'all have been'],
      walks.map(({ sockets, candidatesUs, joiningUs, joinedUs }) =>
        [sockets, candidatesUs, joiningUs, joinedUs].map((figure) => count(figure)),
      ),
    ),
    'Mean kernel time of the programs of `bpf/same-node/`, by BPF statistics:',
    table(
      ['program', 'runs', 'ns'],
      programs.map(({ program, when, runs, ns }) => [
        `${program.replace(PREFIX, '')}, ${when}`,
        count(runs),
        ns.toFixed(0),
      ]),
    ),
  ].join('\n\n');

const PREFIX = 'shunt_same_node_';
