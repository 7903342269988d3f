import { spawn } from 'node:child_process';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import type { Contender } from '../contender.ts';
import { Conversation } from '../conversation.ts';
import { CHOICE_OBJECT, CONNECT4 } from '../programs.ts';
import { fillTables } from './shunt.ts';

/** Of bench/choice.bpf.c, from tables as this project has them. */
const choiceBy = (command: 'choice' | 'calls', description: string): Contender => ({
  name: command,
  describe: async () => description,
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async ({ cgroup, services }) => {
    await using cleanup = new AsyncDisposableStack();
    // Its own programs run where nobody is.
    const empty = join(cgroup, 'tables');
    await mkdir(empty);
    cleanup.defer(() => rmdir(empty));
    const tables = cleanup.use(await fillTables(empty, services));
    const holder = cleanup.use(new Conversation(spawn(CONNECT4, [], { stdio: ['pipe', 'pipe', 'inherit'] })));
    const [set] = listSets(tables.bpfRoot);
    if (set === undefined) throw new Error(`no tables are pinned at ${tables.bpfRoot}`);
    await holder.ask(`${command} ${CHOICE_OBJECT} ${cgroup} ${set.path}`);
    const owned = cleanup.move();
    return {
      addressesOf: ({ address, port }) => [`${address}:${port}`],
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
});

/** The measure for what accounting costs. */
export const choice = choiceBy('choice', 'the choice of this project; nothing remembered or counted');

/** The measure for what the kernel's statistics take themselves. */
export const calls = choiceBy('calls', 'the same, and programs that do nothing where this project counts');
