import { spawn } from 'node:child_process';
import type { Contender } from '../contender.ts';
import { Conversation } from '../conversation.ts';
import { BARE_OBJECT, CONNECT4 } from '../programs.ts';

/** The least that a BPF program for Services can do (bench/bare.bpf.c): the measure for the kernel time of ours. */
export const bare: Contender = {
  name: 'bare',
  describe: async () => 'a connect4 program of one lookup and a rewrite: no choice, nothing remembered or counted',
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async ({ cgroup, services }) => {
    const holder = new Conversation(spawn(CONNECT4, [], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await holder.ask(`bare ${BARE_OBJECT} ${cgroup} ${services.length * ROOM}`);
    await holder.askAll(
      services.map(({ address, port, endpoints: [endpoint] }) => {
        if (endpoint === undefined) throw new Error('a Service without endpoints');
        return `put ${address} ${port} ${endpoint.address} ${endpoint.port}`;
      }),
    );
    return {
      addressesOf: ({ address, port }) => [`${address}:${port}`],
      [Symbol.asyncDispose]: () => holder[Symbol.asyncDispose](),
    };
  },
};

/** A table is never full in practice. */
const ROOM = 2;
