import type { ServiceView } from '../agent/view.ts';
import { failedOf } from '../core/counted.ts';
import { agentFlag } from './agent-flags.ts';
import type { Command } from './command.ts';
import { bytes, count, socketText } from './numbers.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { askServices, parseSelection } from './selection.ts';
import { styleFor } from './style.ts';
import { renderTable, type TableOptions } from './table.ts';

export const command: Command = {
  usage: 'services [FLAGS] [NAMESPACE[/NAME]]',
  about: 'Lists the ports of programmed Services with their addresses, backends and connections from this node.',
  positionals: { min: 0, max: 1 },
  flags: { ...OUTPUT_FLAGS, socket: agentFlag('socket') },
  examples: [
    { command: 'shunt services', about: 'all' },
    { command: 'shunt services shop', about: 'those of a namespace' },
    { command: 'shunt services shop/cart -o json', about: 'one, with every counter' },
  ],
  run: async (context, given) => {
    const services = await askServices(given.values.socket ?? '', parseSelection('services', given.positionals[0]));
    const options = { width: context.stdout.columns, style: styleFor(context.stdout, context.env) };
    show('services', context, given, { services }, () => renderServices(services, options));
    return 0;
  },
};

export const renderServices = (services: readonly ServiceView[], options: TableOptions): string =>
  renderTable(
    [
      { title: 'SERVICE', text: ({ namespace, service }) => `${namespace}/${service}` },
      { title: 'PORT', text: portText },
      { title: 'ADDRESSES', text: addressesText },
      { title: 'CHOICE', text: ({ algorithm, route }) => route ?? algorithm },
      {
        title: 'BACKENDS',
        align: 'right',
        text: ({ backends }) => count(backends),
        format: ({ backends }) => (backends === 0 ? 'red' : undefined),
      },
      { title: 'ACTIVE', align: 'right', text: ({ stats }) => count(stats.active) },
      { title: 'ATTEMPTS', align: 'right', text: ({ stats }) => count(stats.attempts) },
      { title: 'FAILED', align: 'right', text: ({ stats }) => count(failedOf(stats)) },
      { title: 'REJECTED', align: 'right', text: ({ stats }) => count(stats.rejected) },
      { title: 'DATAGRAMS', align: 'right', text: ({ stats }) => count(stats.datagrams) },
      { title: 'SENT', align: 'right', text: ({ stats }) => bytes(stats.bytesSent) },
      { title: 'RECEIVED', align: 'right', text: ({ stats }) => bytes(stats.bytesReceived) },
    ],
    services,
    options,
  );

const addressesText = ({ addresses, port, nodePort }: ServiceView): string =>
  [...addresses.map((each) => socketText(each, port)), ...(nodePort === 0 ? [] : [`node:${nodePort}`])].join(' ');

const portText = ({ portName, port, protocol }: ServiceView): string =>
  portName === '' ? `${port}/${protocol}` : `${portName} ${port}/${protocol}`;
