import { count, percent } from '../cli/numbers.ts';
import type { Claim } from '../cli/parts.ts';
import { DEVIATIONS_MAX, type Judgement } from './judge.ts';
import { type Counts, type Tally, total } from './tally.ts';

/** `v1 90, v2 10`. */
export const askedText = (weights: Counts): string =>
  Object.entries(weights)
    .map(([name, weight]) => `${name} ${weight}`)
    .join(', ');

/** `v1 90.1 %, v2 9.9 % of 2,000`. */
export const judgementText = ({ measured, connections }: Judgement): string => {
  const shares = Object.entries(measured).map(([name, share]) => `${name} ${percent(share)}`);
  return `${shares.join(', ') || 'nobody'} of ${count(connections)}`;
};

/** `2,008 connections, 1.4 standard deviations off what was asked (limit 4)`: of several, the furthest. */
export const certaintyText = (...judgements: readonly [Judgement, ...Judgement[]]): string => {
  const furthest = Math.max(...judgements.map(({ standardDeviations }) => standardDeviations));
  const distance = `${round(furthest, 1)} standard deviations off what was asked`;
  return `${count(judgements[0].connections)} connections, ${distance} (limit ${DEVIATIONS_MAX})`;
};

/** For machines: shares in four digits. */
export const judgementFigure = ({ connections, asked, measured, standardDeviations }: Judgement): object => ({
  connections,
  asked: fourDigits(asked),
  measured: fourDigits(measured),
  standardDeviations: round(standardDeviations, 2),
});

/** `0 of 1,234 connections failed`, and how. */
export const failedText = ({ answered, failed }: Tally): string => {
  const failures = total(failed);
  const how = Object.entries(failed).map(([error, times]) => `${error} ${count(times)}`);
  const text = `${count(failures)} of ${count(answered + failures)} connections failed`;
  return failures === 0 ? text : `${text} (${how.join(', ')})`;
};

/** How it ended; of a node that was not kept, how to keep it. */
export const verdictText = (claims: readonly Pick<Claim, 'holds'>[], playedMs: number, kept: boolean): string => {
  const hold = claims.filter(({ holds }) => holds).length;
  const verdict = `${hold} of ${claims.length} claims hold, ${Math.round(playedMs / 1000)} s; nothing is left.`;
  return kept ? verdict : `${verdict} \`shunt demo --keep\` leaves the node up.`;
};

const fourDigits = (shares: Counts): Counts =>
  Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, round(share, 4)]));

const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
