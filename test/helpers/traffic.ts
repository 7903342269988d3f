import { expect } from 'vitest';
import type { ServiceView } from '../../src/agent/view.ts';
import { askAgent } from '../../src/cli/admin.ts';
import type { Decision } from '../../src/core/explain.ts';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { type AgentProcess, startAgentProcess } from './agent-process.ts';
import { ObjectDirectory } from './object-directory.ts';
import { retryUntil } from './retry.ts';
import type { HammerKind, SocketShell } from './socket-shell.ts';
import { type Actor, openActors, SERVER_PORT } from './stage.ts';
import { chiSquaredP } from './statistics.ts';

/** `shunt run` on a directory of objects, and who asks and answers there. */
export class Traffic<Name extends string> implements AsyncDisposable {
  readonly node: EmbeddedNode;
  readonly actors: Readonly<Record<Name, Actor>>;
  readonly objects = new ObjectDirectory();
  #agent: AgentProcess | undefined;

  constructor(node: EmbeddedNode, actors: Readonly<Record<Name, Actor>>) {
    this.node = node;
    this.actors = actors;
  }

  get agent(): AgentProcess {
    if (this.#agent === undefined) throw new Error('no agent runs');
    return this.#agent;
  }

  /** Until it is ready. The one before is left to itself. */
  async startAgent(): Promise<void> {
    this.#agent = await startAgentProcess(this.node, { source: this.objects.path }).ready();
  }

  /** Replaces what a file said; resolves when that is in force. */
  put(name: string, ...objects: readonly ClusterObject[]): Promise<void> {
    return this.change(() => this.objects.write(name, ...objects));
  }

  remove(name: string): Promise<void> {
    return this.change(() => this.objects.remove(name));
  }

  async change(edit: () => void): Promise<void> {
    const from = this.agent.log.length;
    edit();
    await retryUntil(() => this.agent.log.slice(from).some(({ msg }) => IN_FORCE.includes(msg)), {
      timeoutMs: 10_000,
      intervalMs: 2,
    });
  }

  explain(address: string, { port = 80, kind = 'tcp', client }: Asking = {}): Promise<Decision> {
    return askAgent(this.agent.socket, '/v1/explain', {
      address,
      port: String(port),
      protocol: kind === 'tcp' ? 'TCP' : 'UDP',
      ...(client === undefined ? {} : { client }),
    });
  }

  /** Of a Service port such as `shop/web/http/TCP`. */
  async service(id: string): Promise<ServiceView> {
    const found = (await this.agent.services()).find((each) => each.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.[Symbol.asyncDispose]();
    await this.node.close();
    this.objects[Symbol.dispose]();
  }
}

const IN_FORCE = ['applied', 'the kernel held everything already'];

export interface Asking {
  readonly port?: number;
  readonly kind?: HammerKind;
  /** `namespace/name` of the Pod that asks. */
  readonly client?: string;
}

/** Servers say their names on port 8080, over TCP and UDP. The agent is still to be started. */
export const openTraffic = async <Name extends string>(
  name: string,
  { clients, servers }: { readonly clients: readonly Name[]; readonly servers: readonly Name[] },
): Promise<Traffic<Name>> => {
  const node = await createNode({ name });
  try {
    const actors = await openActors(node, [...clients, ...servers]);
    for (const server of servers) {
      await actors[server].shell.serve('tcp', '*', SERVER_PORT, server);
      await actors[server].shell.serve('udp', '*', SERVER_PORT, server);
    }
    return new Traffic(node, actors);
  } catch (error) {
    await node.close();
    throw error;
  }
};

/** 0..1, by the name of the Pod that answers; `ECONNREFUSED` has what is refused. */
export type SharesByName = Readonly<Record<string, number>>;

/** As `explain` has them, once the kernel's tables are found to agree. Endpoints are to be named after their servers. */
export const sharesOf = (decision: Decision): SharesByName => {
  if (decision.outcome === 'left alone') throw new Error('explain leaves it alone');
  expect(decision.kernel).toMatchObject({ agrees: true, outcome: decision.outcome });
  const shares: Record<string, number> = {};
  const add = (name: string, share: number): void => {
    shares[name] = (shares[name] ?? 0) + share;
  };
  const endpoints = (list: readonly Explained[], of: number): void => {
    for (const { pod, verdict } of list) {
      if (verdict.verdict === 'share') add(pod, (of * verdict.weight) / verdict.of);
    }
  };
  if (!('endpoints' in decision)) return { [REFUSED]: 1 };
  if (decision.arms === undefined) endpoints(decision.endpoints, 1);
  for (const { weight, of, refused, endpoints: list } of decision.arms ?? []) {
    if (weight === 0) continue;
    if (refused === undefined) endpoints(list, weight / of);
    else add(REFUSED, weight / of);
  }
  return Object.keys(shares).length === 0 ? { [REFUSED]: 1 } : shares;
};

type Explained = Extract<Decision, { readonly outcome: 'sent' }>['endpoints'][number];

const REFUSED = 'ECONNREFUSED';

/** A choice that is right falls below this once in 1000 runs, and twice in a row never. */
export const P_MIN = 0.001;
const DRAWS = 2;

/**
 * That so many connections, or datagrams of sockets of their own, are answered in these shares: chi-squared with p above
 * `P_MIN`. Nobody else answers, and nothing fails but what is to be refused.
 */
export const expectShares = async (
  shell: SocketShell,
  address: string,
  shares: SharesByName,
  { port = 80, kind = 'tcp', count = 2000 }: Omit<Asking, 'client'> & { readonly count?: number } = {},
): Promise<void> => {
  const names = Object.keys(shares).sort();
  const wanted = names.map((name) => shares[name] ?? 0);
  for (let draw = 1; ; draw++) {
    const counts = await countsOf(shell, address, { port, kind, count });
    expect(names).toEqual(expect.arrayContaining(Object.keys(counts)));
    const observed = names.map((name) => counts[name] ?? 0);
    const p = chiSquaredP(observed, wanted);
    if (p > P_MIN) return;
    if (draw === DRAWS) expect(p, `observed ${observed} of ${names}, wanted ${wanted}`).toBeGreaterThan(P_MIN);
  }
};

/** How many were answered by each server, and how many were refused. */
const countsOf = async (
  shell: SocketShell,
  address: string,
  { port, kind, count }: Required<Omit<Asking, 'client'>> & { readonly count: number },
): Promise<Readonly<Record<string, number>>> => {
  const { by, errors, total } = await shell.hammer(kind, address, port, {
    count,
    threads: 4,
    reset: kind === 'tcp',
  });
  // A datagram is refused when it is sent, a connection when it is made.
  const { [REFUSED]: refused = 0, [`send ${REFUSED}`]: dropped = 0, ...failures } = errors;
  expect({ failures, total }).toEqual({ failures: {}, total: count });
  return { ...by, ...(refused + dropped === 0 ? {} : { [REFUSED]: refused + dropped }) };
};
