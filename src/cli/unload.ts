import { ShuntError } from '../errors.ts';
import { agentAnswers } from './admin.ts';
import { agentFlag } from './agent-flags.ts';
import type { Command } from './command.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import type { Unloaded } from './parts.ts';

export const command: Command = {
  usage: 'unload [FLAGS]',
  about:
    'Removes the programs, links and tables of Shunt from the kernel and asks nothing. Connections that exist go on;\n' +
    'new ones to a Service address go where the node leads them without Shunt.',
  flags: {
    force: { about: 'also while an agent is running' },
    'bpf-root': agentFlag('bpf-root'),
    socket: agentFlag('socket'),
    ...OUTPUT_FLAGS,
  },
  examples: [{ command: 'shunt unload', about: 'after the agent was stopped' }],
  run: async (context, given) => {
    const { socket = '', 'bpf-root': bpfRoot = '' } = given.values;
    const force = given.switches.has('force');
    if (!force && (await agentAnswers(socket))) throw new ShuntError('SHUNT_E_RUNNING', { socket });
    const removed = await context.parts.unload(bpfRoot, force);
    show('unload', context, given, removed, () => renderRemoved(removed, bpfRoot));
    return 0;
  },
};

const renderRemoved = ({ programs, sets }: Unloaded, bpfRoot: string): string => {
  const removed = [...programs.map((name) => `program ${name}`), ...sets.map((path) => `tables ${path}`)];
  if (removed.length === 0) return `nothing of Shunt is loaded at ${bpfRoot}\n`;
  return removed.map((what) => `removed ${what}\n`).join('');
};
