import { percent } from '../cli/numbers.ts';
import { type Format, plain, type Style } from '../cli/style.ts';
import { VERSIONS, type Version } from './cluster.ts';
import { sharesOf } from './judge.ts';
import type { Counts } from './tally.ts';

const PARTS = {
  v1: { fill: '█', format: 'cyan' },
  v2: { fill: '░', format: 'yellow' },
} as const satisfies Record<Version, { readonly fill: string; readonly format: Format }>;

/** Shares as a bar of `width` characters and in numbers: `███████░░░ v1 70 %, v2 30 %`. */
export const shareBar = (counts: Counts, width: number, style: Style = plain): string => {
  const shares = sharesOf(counts);
  const widths = lengths(
    VERSIONS.map((version) => shares[version] ?? 0),
    width,
  );
  const bar = VERSIONS.map((version, index) => {
    const { fill, format } = PARTS[version];
    return style(format, fill.repeat(widths[index] ?? 0));
  });
  const numbers = Object.entries(shares).map(([name, share]) => `${name} ${percent(share)}`);
  return numbers.length === 0 ? `${' '.repeat(width)} no answer` : `${bar.join('')} ${numbers.join(', ')}`;
};

/** Whole characters that together are exactly `width`. */
const lengths = (shares: readonly number[], width: number): readonly number[] => {
  let sum = 0;
  let drawn = 0;
  return shares.map((share) => {
    sum += share;
    const length = Math.round(sum * width) - drawn;
    drawn += length;
    return length;
  });
};
