import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { WantedStatus } from '../../src/core/status/wanted.ts';
import { serviceAccount } from '../../src/sources/kubernetes/access.ts';
import { createClient } from '../../src/sources/kubernetes/client.ts';
import type { ElectionTiming } from '../../src/sources/kubernetes/status/election.ts';
import { Statuses } from '../../src/sources/kubernetes/status/statuses.ts';
import { systemClock } from '../../src/sources/kubernetes/timing.ts';
import type { ObjectRequest } from '../helpers/api-server/behaviour.ts';
import type { NewObject, RawObject } from '../helpers/api-server/resources.ts';
import { type ApiServer, startApiServer } from '../helpers/api-server/server.ts';

/** So short that a test need not wait; a lease cannot be given for less than a second. */
export const QUICK_ELECTION: ElectionTiming = {
  durationMs: 1000,
  renewMs: 150,
  deadlineMs: 600,
  retryMs: 50,
  spreadMs: 300,
  startMs: 50,
};

/** A server with routes, and agents that want to write their status. */
export class StatusScene implements AsyncDisposable {
  readonly server: ApiServer;
  /** What must never happen. */
  readonly violations: string[] = [];
  /** Decides about requests for objects beside the watching of rules. */
  trouble: ApiServer['behaviour']['onObject'];
  readonly #agents: Agent[] = [];
  readonly #directory = mkdtempSync(`${tmpdir()}/shunt-status-`);

  constructor(server: ApiServer) {
    this.server = server;
    writeFileSync(`${this.#directory}/ca.crt`, server.ca);
    writeFileSync(`${this.#directory}/token`, 'first');
    server.behaviour.onObject = (request) => {
      if (request.method === 'PUT' && request.isStatus) this.#check(request);
      return this.trouble?.(request);
    };
  }

  get lease(): RawObject | undefined {
    return this.server.store.get('leases', 'kube-system/shunt-status');
  }

  /** Name of the agent that holds the lease; empty: nobody. */
  get holder(): string {
    return (
      String((this.lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? '').split('_')[0] ?? ''
    );
  }

  get leaders(): readonly string[] {
    return this.#agents.filter(({ statuses }) => statuses.status().isLeader).map(({ name }) => name);
  }

  /** Writes of statuses that the server took. */
  get written(): readonly ObjectRequest[] {
    return this.server.objectRequests.filter(
      ({ method, isStatus, status }) => method === 'PUT' && isStatus && status === 200,
    );
  }

  agent(name: string, timing: Partial<ElectionTiming> = {}): Agent {
    const access = serviceAccount({ server: this.server.url, directory: this.#directory });
    const client = createClient(access, name);
    let complaints = 0;
    const statuses = new Statuses({
      client,
      clock: systemClock,
      random: Math.random,
      namespace: 'kube-system',
      nodeName: name,
      resourceOf: () => 'tcproutes',
      timing: { ...QUICK_ELECTION, ...timing },
      onComplaints: () => complaints++,
    });
    const agent: Agent = { name, statuses, complaints: () => complaints, close: () => client.close() };
    this.#agents.push(agent);
    // As the watch of an agent does.
    this.server.store.subscribe('tcproutes', ({ object }) =>
      setImmediate(() => statuses.seen(`TCPRoute shop/${object.metadata.name}`, object.metadata.resourceVersion ?? '')),
    );
    return agent;
  }

  put(name: string, status?: object, generation = 1): RawObject {
    return this.server.store.put('tcproutes', route(name, status, generation));
  }

  /** Somebody edits the object, which keeps its status. */
  edit(name: string, generation: number): void {
    this.put(name, { parents: this.parents(name) }, generation);
  }

  parents(name: string): readonly ParentStatus[] {
    const route = this.server.store.get('tcproutes', `shop/${name}`);
    return (route?.status as { readonly parents?: readonly ParentStatus[] } | undefined)?.parents ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.server;
    await Promise.all(this.#agents.map(({ statuses }) => statuses.stop()));
    for (const { close } of this.#agents) close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Whoever writes holds the lease at that moment. */
  #check({ userAgent, key }: ObjectRequest): void {
    if (this.holder !== userAgent)
      this.violations.push(`${userAgent} writes ${key}, and ${this.holder || 'nobody'} leads`);
  }
}

export interface ParentStatus {
  readonly controllerName: string;
  readonly parentRef: object;
  readonly conditions: readonly Readonly<Record<string, unknown>>[];
}

export interface Agent {
  readonly name: string;
  readonly statuses: Statuses;
  /** How often there was something else to complain about. */
  complaints(): number;
  close(): void;
}

export const openStatusScene = async (names: readonly string[] = ['web']): Promise<StatusScene> => {
  const served = { tcproutes: ['v1'] };
  const scene = new StatusScene(await startApiServer({ served, bookmarkMs: 50 }));
  for (const name of names) scene.put(name);
  return scene;
};

const route = (name: string, status: object | undefined, generation: number): NewObject => ({
  metadata: { name, namespace: 'shop', generation },
  spec: { parentRefs: [{ group: '', kind: 'Service', name: 'web' }] },
  ...(status && { status }),
});

export const wanted = (name: string, message = '', observedGeneration = 1): WantedStatus => ({
  ref: {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'TCPRoute',
    namespace: 'shop',
    name,
    generation: observedGeneration,
  },
  kind: 'parents',
  entries: [
    {
      of: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration }],
    },
  ],
});

export const foreignParent = (name: string): ParentStatus => ({
  parentRef: { group: '', kind: 'Service', name },
  controllerName: 'example.com/gateway',
  conditions: [],
});
