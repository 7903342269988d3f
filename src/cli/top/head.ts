import { count, percent } from '../numbers.ts';
import { byteFigure, figure } from './figures.ts';
import type { Look } from './look.ts';
import { type Model, redirectedShare } from './model.ts';
import type { Rates } from './rates.ts';
import { fitting } from './text.ts';
import type { View } from './view.ts';

export const titleLine = (rates: Rates | undefined, view: View, look: Look, width: number): string => {
  const { sort, isReversed, filter } = view;
  const parts = [
    'shunt top',
    ...(rates === undefined ? [] : [`node ${rates.node}`]),
    ...(look.scope === '' ? [] : [`only ${look.scope}`]),
    look.every,
    `by ${sort}${isReversed ? ', reversed' : ''}`,
    ...(filter === '' || view.filterBefore !== undefined ? [] : [`filter ${filter}`]),
  ];
  return look.style('bold', fitting(parts, width));
};

export const totalsLine = (rates: Rates | undefined, { scope }: Look, width: number): string => {
  if (rates === undefined) return '';
  const { totals } = rates;
  return fitting(
    [
      `${scope === '' ? 'node' : 'these'}: ${figure(totals.attemptsPerS)} conn/s`,
      `${figure(totals.failedPerS)} failed/s`,
      `${figure(totals.rejectedPerS)} rejected/s`,
      `${figure(totals.active)} active`,
      `out ${byteFigure(totals.bytesSentPerS)}/s`,
      `in ${byteFigure(totals.bytesReceivedPerS)}/s`,
      `${figure(totals.pending)} pending`,
      `${figure(totals.datagramsPerS)} datagrams/s`,
    ],
    width,
  );
};

export const sameNodeLine = (model: Model, { scope, style }: Look, width: number): string => {
  const { rates } = model;
  if (rates === undefined) return '';
  const name = 'socket to socket';
  if (rates.sameNode === undefined) return fitting([`${name}: not known`], width);
  const { attached, unavailable, joined, messagesPerS, bytesPerS, messageShare } = rates.sameNode;
  if (unavailable !== '') return style('yellow', fitting([`${name}: by TCP`, unavailable], width));
  if (!attached) return fitting([`${name}: nobody asks for it`], width);
  // Bytes of some Services say nothing of the whole node.
  const byteShare = scope === '' ? redirectedShare(model) : undefined;
  return fitting(
    [
      `${name}: ${count(joined)} sockets`,
      `${figure(messagesPerS)} messages/s${messageShare === undefined ? '' : ` (${percent(messageShare)})`}`,
      `${byteFigure(bytesPerS)} bytes/s${byteShare === undefined ? '' : ` (${percent(byteShare)} of all)`}`,
    ],
    width,
  );
};

interface Range {
  readonly from: number;
  readonly to: number;
  readonly of: number;
}

/** What is typed, or what is wrong, or the keys. */
export const footLine = (model: Model, view: View, range: Range, { style }: Look, width: number): string => {
  if (view.filterBefore !== undefined) return `/${view.filter}`.slice(0, width);
  if (model.trouble !== '') return style('red', fitting([`${model.trouble}; trying again`], width));
  if (model.rates === undefined) return fitting(['asking the agent'], width);
  const place = range.of === 0 ? 'no Service port' : `${range.from + 1} to ${range.to} of ${count(range.of)}`;
  return style(
    'dim',
    fitting([place, 'q quit', '/ filter', 's sort', 'r reverse', 'arrows, PgUp, PgDn scroll'], width),
  );
};
