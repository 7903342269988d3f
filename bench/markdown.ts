import type { MachineFacts } from './machine.ts';
import type { Ratio } from './statistics.ts';

/** Pieces of docs/benchmarks.md. */

export const renderMachine = ({ date, kernel, distribution, processor, cpus, memoryGiB, node }: MachineFacts): string =>
  `${date}: Linux ${kernel}, ${distribution}, ${cpus} CPUs (${processor}), ${memoryGiB} GiB, Node ${node}.`;

export const table = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
};

export const ratioText = ({ median, p10, p90 }: Ratio): string =>
  `${median.toFixed(3)} (${p10.toFixed(2)}..${p90.toFixed(2)})`;

export const count = (number: number): string => Math.round(number).toLocaleString('en-US');
