import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { serviceAccount } from '../../src/sources/kubernetes/access.ts';
import type { Access } from '../../src/sources/kubernetes/client.ts';
import type { ReflectorTiming } from '../../src/sources/kubernetes/timing.ts';
import { createKubernetesSource } from '../../src/sources/kubernetes.ts';
import { SourceMirror } from '../kubernetes/source-mirror.ts';
import { OUR_NODE, readableIn } from './cluster-contents.ts';
import { Gate } from './gate.ts';
import type { RealCluster } from './real-cluster.ts';

/** Waits are those of an agent, but for the longest ones. */
const TIMING: Partial<ReflectorTiming> = { backoffMaxMs: 1000, absentMs: 500, idleMs: [90_000, 120_000], compareMs: 0 };

/** The agent's side of a cluster: its own way to the server, its service account, and what its source tells. */
export class AgentSide implements AsyncDisposable {
  readonly mirror: SourceMirror;
  readonly gate: Gate;
  readonly #directory: string;

  constructor(cluster: RealCluster, gate: Gate, access: Access, directory: string) {
    this.gate = gate;
    this.#directory = directory;
    const source = createKubernetesSource({ access, nodeName: OUR_NODE, startJitterMs: 0, timing: TIMING });
    this.mirror = new SourceMirror(source, () => readableIn(cluster));
  }

  /** What the kubelet does when a token comes to its end. */
  token(value: string): void {
    writeFileSync(`${this.#directory}/token`, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _ = this.gate;
    try {
      await this.mirror[Symbol.asyncDispose]();
    } finally {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}

/** As in a Pod: by the token of its service account. */
export const openAgentSide = async (cluster: RealCluster, token?: string): Promise<AgentSide> => {
  const gate = await new Gate(cluster.port).open();
  const directory = mkdtempSync(`${tmpdir()}/shunt-agent-side-`);
  copyFileSync(`${cluster.directory}/ca.crt`, `${directory}/ca.crt`);
  writeFileSync(`${directory}/token`, token ?? (await requestToken(cluster)));
  const access = serviceAccount({ server: `https://127.0.0.1:${gate.port}`, directory });
  return new AgentSide(cluster, gate, access, directory);
};

/** Of the agent's service account; good as long as the Pod exists, if it is bound to one. */
export const requestToken = async (
  cluster: RealCluster,
  pod?: { readonly name: string; readonly uid: string },
): Promise<string> => {
  const { status } = await cluster.create('/api/v1/namespaces/kube-system/serviceaccounts/shunt/token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: ['https://kubernetes.default.svc'],
      expirationSeconds: 3600,
      ...(pod && { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', ...pod } }),
    },
  });
  return status.token;
};
