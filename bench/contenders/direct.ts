import type { Contender } from '../contender.ts';

/** No Service address at all: the client knows an endpoint. What everything else is measured against. */
export const direct: Contender = {
  name: 'direct',
  describe: async () => 'the client connects to an endpoint; no connection tracking, no rules, no BPF program',
  paths: ['pods', 'loopback'],
  ownNode: false,
  setUp: async () => ({
    addressOf: ({ endpoints: [endpoint] }) => {
      if (endpoint === undefined) throw new Error('a Service without endpoints');
      return `${endpoint.address}:${endpoint.port}`;
    },
    [Symbol.asyncDispose]: async () => {},
  }),
};

/** Its equal. What a run finds between the two is noise. */
export const directAgain: Contender = {
  ...direct,
  name: 'direct again',
  describe: async () => 'the same once more, with a client of its own: what differs is noise',
};
