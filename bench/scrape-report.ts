import { count, renderMachine, table } from './markdown.ts';
import type { MemoryFigures, ScrapeFigures, ScrapeResult } from './results.ts';

export const renderScrape = ({ machine, settings, cases }: ScrapeResult): string =>
  [
    '## A scrape of the agent',
    renderMachine(machine),
    `\`shunt run\` on a directory with ${count(settings.services)} Services. Some containers, each of a workload of its own, ` +
      `have asked ${count(settings.usedServices)} of them. ${settings.scrapes} scrapes, one after the other; before each, one ` +
      `container asks ${settings.askedBetween} of them again. ` +
      'CPU time is of all threads, less what the agent takes anyway; the event loop is looked at every 10 ms.',
    table(
      ['containers', ...cases.map(({ containers }) => count(containers))],
      ROWS.map(([title, text]) => [title, ...cases.map(text)]),
    ),
  ].join('\n\n');

const ROWS: readonly (readonly [string, (figures: ScrapeFigures) => string])[] = [
  ['CPU time, median', ({ cpuMs }) => `${cpuMs.toFixed(1)} ms`],
  ['event loop blocked at most, median', ({ blockMs }) => `${blockMs.toFixed(1)} ms`],
  ['event loop blocked at most, worst', ({ worstBlockMs }) => `${worstBlockMs.toFixed(1)} ms`],
  ['anonymous memory, more a moment after a scrape, median', ({ grownMiB }) => `${grownMiB.toFixed(1)} MiB`],
  ['resident before, and of that of files', ({ before }) => sizes(before)],
  ['resident after, at most, and of that of files', ({ most }) => sizes(most)],
  ['series', ({ series }) => count(series)],
  ['bytes', ({ bytes }) => count(bytes)],
];

const sizes = ({ residentMiB, fileMiB }: MemoryFigures): string =>
  `${residentMiB.toFixed(1)} MiB, ${fileMiB.toFixed(1)} MiB`;
