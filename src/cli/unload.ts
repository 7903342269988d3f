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
    const elsewhere = isNothing(removed) ? await context.parts.loadedRoots() : [];
    show('unload', context, given, removed, () => renderRemoved(removed, bpfRoot, elsewhere));
    return 0;
  },
};

const isNothing = ({ programs, sets }: Unloaded): boolean => programs.length === 0 && sets.length === 0;

const renderRemoved = ({ programs, sets }: Unloaded, bpfRoot: string, elsewhere: readonly string[]): string => {
  const removed = [...programs.map((name) => `program ${name}`), ...sets.map((path) => `tables ${path}`)];
  if (removed.length === 0) {
    const hint = elsewhere.length === 0 ? '' : `; it is at ${elsewhere.join(', ')}: give --bpf-root`;
    return `nothing of Shunt is loaded at ${bpfRoot}${hint}\n`;
  }
  return removed.map((what) => `removed ${what}\n`).join('');
};
