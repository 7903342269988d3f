import type { BackendView } from '../agent/view.ts';
import { failedOf } from '../core/counted.ts';
import { isOutOfShare } from '../core/observed-share.ts';
import { askAgent } from './admin.ts';
import { agentFlag } from './agent-flags.ts';
import type { Command } from './command.ts';
import { bytes, count, percent, socketText } from './numbers.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { askServices, parseSelection } from './selection.ts';
import { styleFor } from './style.ts';
import { type Column, renderTable, type TableOptions } from './table.ts';

export const command: Command = {
  usage: 'backends [FLAGS] [NAMESPACE[/NAME]]',
  about:
    'Lists endpoints, each with its share of new connections, the share that it really got since the shares were last\n' +
    'changed, and what became of those it got. So does it the shares of routes that are refused, and endpoints that get\n' +
    'nothing new while connections to them live.',
  positionals: { min: 0, max: 1 },
  flags: { ...OUTPUT_FLAGS, socket: agentFlag('socket') },
  examples: [
    { command: 'shunt backends shop', about: 'those of a namespace' },
    { command: 'shunt backends shop/cart', about: 'those of one Service' },
    { command: 'shunt backends -o json', about: 'all, with every counter' },
  ],
  run: async (context, given) => {
    const selection = parseSelection('backends', given.positionals[0]);
    const socket = given.values.socket ?? '';
    const answer = await askAgent<{ backends: readonly BackendView[] }>(socket, '/v1/backends', selection);
    // A Service without backends is one thing, no Service is another.
    if (answer.backends.length === 0) await askServices(socket, selection);
    const options = { width: context.stdout.columns, style: styleFor(context.stdout, context.env) };
    show('backends', context, given, answer, () => renderBackends(answer.backends, options));
    return 0;
  },
};

export const renderBackends = (backends: readonly BackendView[], options: TableOptions): string =>
  renderTable(
    [
      { title: 'SERVICE PORT', text: ({ id }) => id },
      { title: 'BACKEND', text: backendText, format: ({ state }) => (state === 'refused' ? 'red' : undefined) },
      ...columnsOf(backends),
      { title: 'CHOICE', text: choiceText },
      { title: 'WEIGHT', align: 'right', text: ({ state, weight }) => (state === 'refused' ? '-' : count(weight)) },
      { title: 'SHARE', align: 'right', text: ({ share }) => percent(share) },
      {
        title: 'OBSERVED',
        align: 'right',
        text: observedText,
        format: (backend) => (isOutOfShare(backend) ? 'yellow' : undefined),
      },
      { title: 'ACTIVE', align: 'right', text: ({ stats }) => known(stats.active) },
      { title: 'ATTEMPTS', align: 'right', text: ({ stats }) => known(stats.attempts) },
      {
        title: 'FAILED',
        align: 'right',
        text: ({ stats }) => known(knownFailed(stats)),
        format: ({ stats }) => ((knownFailed(stats) ?? 0) > 0 ? 'yellow' : undefined),
      },
      ...rejectedColumns(backends),
      { title: 'DATAGRAMS', align: 'right', text: ({ stats }) => known(stats.datagrams) },
      { title: 'SENT', align: 'right', text: ({ stats }) => known(stats.bytesSent, bytes) },
      { title: 'RECEIVED', align: 'right', text: ({ stats }) => known(stats.bytesReceived, bytes) },
    ],
    backends,
    options,
  );

const backendText = ({ state, address, port, family }: BackendView): string =>
  state === 'refused' ? `refused${family === undefined ? '' : ` (IPv${family})`}` : socketText(address, port);

const observedText = ({ observed }: BackendView): string =>
  observed === undefined || observed.of === 0 ? '-' : `${percent(observed.share)} of ${count(observed.of)}`;

const choiceText = ({ state, algorithm }: BackendView): string => {
  if (state === 'drained') return 'drained';
  return state === 'earlier' ? 'earlier choice' : (algorithm ?? '-');
};

/** Of some rows not everything is known. */
const known = (value: number | undefined, text: (value: number) => string = count): string =>
  value === undefined ? '-' : text(value);

const knownFailed = (stats: BackendView['stats']): number | undefined =>
  stats.attempts === undefined ? undefined : failedOf(stats);

/** Endpoints reject nothing. */
const rejectedColumns = (backends: readonly BackendView[]): readonly Column<BackendView>[] =>
  backends.some(({ state }) => state === 'refused')
    ? [{ title: 'REJECTED', align: 'right', text: ({ stats }) => known(stats.rejected) }]
    : [];

/** Few Services share their connections or have clients with a choice of their own: who does not see neither. */
const columnsOf = (backends: readonly BackendView[]): readonly Column<BackendView>[] => {
  const arm: Column<BackendView> = { title: 'OF', text: (backend) => backend.arm ?? '-' };
  const route: Column<BackendView> = { title: 'BY', text: (backend) => backend.route ?? '-' };
  const clients: Column<BackendView> = {
    title: 'CLIENTS',
    text: ({ variant, clients }) => (variant === undefined ? 'all' : (clients ?? `some (${variant})`)),
  };
  return [
    ...(backends.some((backend) => backend.arm !== undefined) ? [arm] : []),
    ...(backends.some((backend) => backend.route !== undefined) ? [route] : []),
    ...(backends.some(({ variant }) => variant !== undefined) ? [clients] : []),
  ];
};
