import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { parseAllDocuments } from 'yaml';
import { retryUntil } from '../helpers/retry.ts';
import { makeCertificates } from './certificates.ts';
import { Program } from './program.ts';

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server says
  readonly body: any;
}

/** Users with a client certificate. */
export const PERSON = 'person';

/** A real kube-apiserver with its etcd, on the loopback. Without controllers: what is there, tests have made. */
export const startRealCluster = async (): Promise<RealCluster> => {
  const cluster = new RealCluster(await freePorts(3));
  try {
    await cluster.start();
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
};

export class RealCluster implements AsyncDisposable {
  /** Of the API server. */
  readonly port: number;
  /** Holds `ca.crt`, and the certificate and key of PERSON. */
  readonly directory = mkdtempSync(`${tmpdir()}/shunt-apiserver-`);
  readonly #etcdPort: number;
  readonly #etcdPeerPort: number;
  readonly #adminToken = randomBytes(16).toString('hex');
  readonly #programs: Program[] = [];
  #apiServer: Program | undefined;
  #agent: Agent | undefined;

  constructor([port, etcdPort, etcdPeerPort]: readonly number[]) {
    this.port = port ?? 0;
    this.#etcdPort = etcdPort ?? 0;
    this.#etcdPeerPort = etcdPeerPort ?? 0;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    makeCertificates(this.directory, [PERSON]);
    writeFileSync(`${this.directory}/tokens.csv`, `${this.#adminToken},admin,1,"system:masters"\n`);
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, ca: readFileSync(`${this.directory}/ca.crt`) });
    this.#startEtcd();
    await this.startApiServer();
    await this.apply('test/apiserver/endpoint-slices.yaml');
    for (const name of ['shop', 'fill']) await this.create('/api/v1/namespaces', { metadata: { name } });
    await retryUntil(async () => (await this.call('GET', SLICES)).status === 200, { timeoutMs: 20_000 });
  }

  async startApiServer(): Promise<void> {
    const at = (file: string): string => `${this.directory}/${file}`;
    const flags = {
      'etcd-servers': `http://127.0.0.1:${this.#etcdPort}`,
      'bind-address': '127.0.0.1',
      'secure-port': this.port,
      // No address of this machine may be one of an endpoint, and none is needed.
      'advertise-address': '192.0.2.1',
      'endpoint-reconciler-type': 'none',
      'tls-cert-file': at('server.crt'),
      'tls-private-key-file': at('server.key'),
      'client-ca-file': at('ca.crt'),
      'token-auth-file': at('tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': at('sign.pub'),
      'service-account-signing-key-file': at('sign.key'),
      'disable-admission-plugins': 'ServiceAccount',
      'service-cluster-ip-range': '10.96.0.0/16,fd00:10:96::/112',
      'feature-gates': 'IPv6DualStack=true',
      // A group that is defined by a custom resource must have no version of its own.
      'runtime-config': 'discovery.k8s.io/v1beta1=false,discovery.k8s.io/v1alpha1=false',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const program = new Program('kube-apiserver', args, at('kube-apiserver.log'));
    this.#apiServer = program;
    const isReady = async (): Promise<boolean> => {
      program.checkAlive();
      return (await this.call('GET', '/readyz').catch(() => undefined))?.status === 200;
    };
    await retryUntil(isReady, { timeoutMs: 90_000, intervalMs: 100 });
  }

  async stopApiServer(): Promise<void> {
    await this.#apiServer?.stop('SIGKILL');
    this.#apiServer = undefined;
  }

  /** etcd forgets every state but the present one. */
  async compact(): Promise<void> {
    const etcd = async (path: string, body: object): Promise<{ header: { revision: string } }> => {
      const options = { method: 'POST', body: JSON.stringify(body) };
      const answer = await fetch(`http://127.0.0.1:${this.#etcdPort}/v3/kv/${path}`, options);
      if (!answer.ok) throw new Error(`etcd ${path}: ${await answer.text()}`);
      return (await answer.json()) as { header: { revision: string } };
    };
    const { header } = await etcd('range', { key: Buffer.from('/').toString('base64') });
    await etcd('compaction', { revision: header.revision, physical: true });
  }

  /** As the administrator. */
  call(method: string, path: string, body?: object): Promise<Reply> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      authorization: `Bearer ${this.#adminToken}`,
      'content-type': type,
      'content-length': String(Buffer.byteLength(text)),
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, { method, headers, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: parsed(Buffer.concat(chunks)) }));
      });
      sent.on('error', reject).end(text);
    });
  }

  /** Throws unless it was made. */
  async create(path: string, object: object): Promise<Reply['body']> {
    return this.#must('POST', path, object);
  }

  /** Changes the fields that are given. */
  async patch(path: string, change: object): Promise<Reply['body']> {
    return this.#must('PATCH', path, change);
  }

  async delete(path: string): Promise<void> {
    await this.#must('DELETE', path);
  }

  /** Makes all objects of a file of YAML. */
  async apply(file: string): Promise<void> {
    for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
      const object = document.toJS();
      await this.create(pathOf(object), object);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent?.destroy();
    await this.stopApiServer();
    for (const program of this.#programs) await program[Symbol.asyncDispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #startEtcd(): void {
    const [client, peer] = [this.#etcdPort, this.#etcdPeerPort].map((port) => `http://127.0.0.1:${port}`);
    const flags = {
      name: 'one',
      'data-dir': `${this.directory}/etcd`,
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `one=${peer}`,
    };
    mkdirSync(`${this.directory}/etcd`, { mode: 0o700 });
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    this.#programs.push(new Program('etcd', args, `${this.directory}/etcd.log`));
  }

  async #must(method: string, path: string, body?: object): Promise<Reply['body']> {
    const reply = await this.call(method, path, body);
    if (reply.status < 300) return reply.body;
    throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  }
}

export const SLICES = '/apis/discovery.k8s.io/v1/endpointslices';
export const POLICIES = '/apis/shunt.dev/v1alpha1/trafficpolicies';

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(String(body));
  } catch {
    return String(body);
  }
};

const pathOf = ({ apiVersion, kind, metadata: { namespace } }: Applied): string => {
  const resource = `${kind.toLowerCase()}s`;
  const place = namespace === undefined ? resource : `namespaces/${namespace}/${resource}`;
  return apiVersion === 'v1' ? `/api/v1/${place}` : `/apis/${apiVersion}/${place}`;
};

interface Applied {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
}

/** They are free now; nobody else on a machine that tests takes them in the next second. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
};
