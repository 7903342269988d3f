import { expect } from 'vitest';
import type { Decision } from '../../src/core/explain.ts';
import type { HammerKind, SocketShell } from './socket-shell.ts';
import type { Stage } from './stage.ts';

export interface AskOptions {
  readonly port?: number;
  readonly kind?: HammerKind;
  /** One of 3 endpoints is missed by 60 connections once in 10^10 runs. */
  readonly count?: number;
}

/**
 * Who answers many connections, each from a socket of its own: names of servers, or the error. And what sockets meet is
 * what `explain` says: it finds the same in the kernel's tables, and everybody who answers is one whom it names.
 */
export const answersAt = async <Name extends string>(
  stage: Stage<Name>,
  shell: SocketShell,
  address: string,
  { port = 80, kind = 'tcp', count = 60 }: AskOptions = {},
): Promise<readonly string[]> => {
  const { by, errors } = await shell.hammer(kind, address, port, { count });
  const names = Object.keys(by).sort();
  // A datagram is refused when it is sent, a connection when it is made.
  const failures = Object.keys(errors).map((error) => error.replace(/^send /, ''));
  const decision = explained(stage, address, port, kind);
  expect(decision.kernel, `${address} port ${port}`).toMatchObject({ agrees: true, outcome: decision.outcome });
  if (decision.outcome === 'refused') expect([...names, ...failures]).toEqual(['ECONNREFUSED']);
  if (decision.outcome === 'sent') expect(serversOf(stage, decision)).toEqual(expect.arrayContaining(names));
  return [...names, ...failures];
};

const explained = <Name extends string>(
  { agent }: Stage<Name>,
  address: string,
  port: number,
  kind: HammerKind,
): Decision =>
  agent.agent.explain({
    address: address.replace(/^::ffff:/, ''),
    port,
    protocol: kind === 'tcp' ? 'TCP' : 'UDP',
  });

/** By name; what listens in the network of the node is `host`. */
const serversOf = <Name extends string>(
  { actors, node }: Stage<Name>,
  decision: Extract<Decision, { outcome: 'sent' }>,
): readonly string[] => {
  const names = new Map([
    [node.address4, 'host'],
    [node.address6, 'host'],
  ] as [string, string][]);
  for (const [name, { pod }] of Object.entries(actors) as [string, Stage<Name>['actors'][Name]][]) {
    names.set(pod.address4, name).set(pod.address6, name);
  }
  return [decision, ...(decision.arms ?? [])]
    .flatMap(({ endpoints }) => endpoints)
    .filter(({ verdict }) => verdict.verdict === 'share')
    .map(({ address }) => names.get(address) ?? address);
};
