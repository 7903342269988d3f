import type { Command } from './command.ts';
import { OUTPUT_FLAGS, show } from './output.ts';
import { readVersion } from './package.ts';

export const command: Command = {
  usage: 'version [FLAGS]',
  about: 'Prints the version of Shunt, and of the Node that runs it.',
  flags: OUTPUT_FLAGS,
  examples: [{ command: 'shunt version -o json', about: 'for machines' }],
  run: async (context, given) => {
    const data = { version: readVersion(), node: process.version };
    show('version', context, given, data, () => `shunt ${data.version} (node ${data.node})\n`);
    return 0;
  },
};
