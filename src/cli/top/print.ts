import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Column, TableOptions } from '../table.ts';
import { renderTable } from '../table.ts';
import { figuresFor, nameOf, sorted } from './columns.ts';
import { EMPTY, type Model, noteReading, redirectedShare } from './model.ts';
import { pause } from './pause.ts';
import type { PortRates } from './rates.ts';
import { isAway, type Read } from './reading.ts';
import type { View } from './view.ts';

/** What happens between two readings. Throws when the agent does not answer. */
export const measure = async (read: Read, intervalMs: number): Promise<Model> => {
  const first = noteReading(EMPTY, await read());
  await sleep(intervalMs);
  return noteReading(first, await read());
};

export const renderRates = ({ rates }: Model, { sort, isReversed }: View, options: TableOptions): string => {
  const figures = figuresFor(rates?.ports ?? []).map(
    ([, { title, value, text, format }]): Column<PortRates> => ({
      title,
      align: 'right',
      text: (port) => text(value(port)),
      format: (port) => ((value(port) ?? 0) === 0 ? undefined : format),
    }),
  );
  const name: Column<PortRates> = { title: 'SERVICE', text: nameOf };
  return renderTable([name, ...figures], sorted(rates?.ports ?? [], sort, isReversed), options);
};

/** One line; what is not known is left out. */
export const ratesJson = (model: Model, view: View, atMs: number): string => {
  const { rates } = model;
  if (rates === undefined) return '';
  const { node, intervalMs, totals, sameNode, ports } = rates;
  const shares = sameNode && { ...sameNode, byteShare: redirectedShare(model) };
  const services = sorted(ports, view.sort, view.isReversed);
  return `${JSON.stringify({ node, atMs, intervalMs, totals, sameNode: shares, services })}\n`;
};

export interface StreamOptions {
  readonly read: Read;
  readonly view: View;
  readonly intervalMs: number;
  readonly stopped: Promise<unknown>;
}

/** A line for each reading but the first, until it is asked to stop. Only at the start does the agent have to answer. */
export const streamJson = async ({ stdout, stderr }: Context, options: StreamOptions): Promise<void> => {
  const { read, view, intervalMs, stopped } = options;
  const ending = new AbortController();
  stopped.then(() => ending.abort());
  let model = EMPTY;
  let trouble = '';
  for (;;) {
    try {
      model = noteReading(model, await read(ending.signal));
      if (model.rates?.intervalMs !== undefined) stdout.write(ratesJson(model, view, Date.now()));
      trouble = '';
    } catch (error) {
      if (ending.signal.aborted) return;
      if (!isAway(error) || model.last === undefined) throw error;
      if (error.message !== trouble) stderr.write(`shunt: ${error.message}; trying again\n`);
      trouble = error.message;
    }
    await pause(intervalMs, ending.signal);
    if (ending.signal.aborted) return;
  }
};
