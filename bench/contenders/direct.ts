import type { Contender } from '../contender.ts';

/** No Service address at all: the client knows the endpoints. What everything else is measured against. */
export const direct: Contender = {
  name: 'direct',
  describe: async () =>
    'the client connects to the endpoints in turn; no connection tracking, no rules, no BPF program',
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async () => ({
    // All of them: the others lead to all, and a client remembers something of each peer (tcp_metrics).
    addressesOf: ({ endpoints }) => endpoints.map(({ address, port }) => `${address}:${port}`),
    [Symbol.asyncDispose]: async () => {},
  }),
};

/** Its equal. What a run finds between the two is noise. */
export const directAgain: Contender = {
  ...direct,
  name: 'direct again',
  describe: async () => 'the same once more, with a client of its own: what differs is noise',
};
