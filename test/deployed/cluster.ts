import { type ChildProcess, execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { namespacePath } from '../../src/demo/namespace.ts';
import type { EmbeddedNode } from '../../src/demo/node.ts';
import { toolPath } from '../helpers/cluster-tools.ts';
import { retryUntil } from '../helpers/retry.ts';

export const API_PORT = 6443;

/** The address of the Service `kubernetes`: the first one of the range. */
export const SERVICE_ADDRESS = '10.96.0.1';

/** A real API server with etcd, in the network of a test node, and ends with it. It has no controllers. */
export interface Cluster {
  /** What a kubelet gives to Pods as ca.crt. */
  readonly certificate: string;
  kubectl(args: readonly string[], input?: string): string;
  helm(args: readonly string[]): string;
  /** A token of a ServiceAccount, as a kubelet asks for it. */
  token(namespace: string, name: string): string;
}

const ISSUER = 'https://kubernetes.default.svc';
const ADMIN_TOKEN = 'admin';

export const startCluster = async (node: EmbeddedNode, directory: string): Promise<Cluster> => {
  mkdirSync(directory, { recursive: true });
  const file = (name: string): string => `${directory}/${name}`;
  writeKeys(file);
  const programs = resolve(process.env.SHUNT_KUBE_BIN || 'build/apiserver');
  const start = (name: string, args: readonly string[]): ChildProcess => {
    const child = node.spawn(`${programs}/${name}`, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => log.push(String(data)));
    child.once('exit', () => writeFileSync(file(`${name}.log`), log.join('')));
    return child;
  };

  start('etcd', ['--data-dir', file('etcd'), '--unsafe-no-fsync']);
  const server = start('kube-apiserver', [
    '--etcd-servers=http://127.0.0.1:2379',
    `--bind-address=${node.address4}`,
    `--advertise-address=${node.address4}`,
    `--secure-port=${API_PORT}`,
    `--cert-dir=${file('pki')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    '--authorization-mode=RBAC',
    `--service-account-issuer=${ISSUER}`,
    `--service-account-key-file=${file('sa.key')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--endpoint-reconciler-type=none',
    '--allow-privileged=true',
    // It waits for what a controller would make.
    '--disable-admission-plugins=ServiceAccount',
    // A group whose built-in versions are off can be served from a definition of our own.
    '--runtime-config=discovery.k8s.io/v1beta1=false',
  ]);

  const run = (program: string, args: readonly string[], input = ''): string =>
    runThere(node, file('kubeconfig'), program, args, input);
  const kubectl = (args: readonly string[], input?: string): string => run(toolPath('kubectl'), args, input);
  await retryUntil(
    () => {
      if (server.exitCode !== null) throw new Error(`kube-apiserver has ended: see ${file('kube-apiserver.log')}`);
      writeKubeconfig(file('kubeconfig'), node.address4, file('pki/apiserver.crt'));
      return kubectl(['get', '--raw', '/readyz']) === 'ok';
    },
    { timeoutMs: 60_000, intervalMs: 200 },
  );
  kubectl(['apply', '-f', resolve('test/deployed/endpoint-slices.yaml')]);
  kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd/endpointslices.discovery.k8s.io']);
  return {
    certificate: readFileSync(file('pki/apiserver.crt'), 'utf8'),
    kubectl,
    helm: (args) => run(toolPath('helm'), args),
    token: (namespace, name) => kubectl(['-n', namespace, 'create', 'token', name]).trim(),
  };
};

const writeKeys = (file: (name: string) => string): void => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  writeFileSync(file('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  writeFileSync(file('tokens.csv'), `${ADMIN_TOKEN},admin,1,"system:masters"\n`, { mode: 0o600 });
};

const writeKubeconfig = (path: string, address: string, certificate: string): void => {
  const cluster = { server: `https://${address}:${API_PORT}`, 'certificate-authority': certificate };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'admin', user: { token: ADMIN_TOKEN } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  };
  writeFileSync(path, JSON.stringify(config));
};

/** In the network of the node, which has no way out. Throws with what the command said. */
const runThere = (
  node: EmbeddedNode,
  kubeconfig: string,
  program: string,
  args: readonly string[],
  input: string,
): string => {
  try {
    return execFileSync('nsenter', [`--net=${namespacePath(node.netns)}`, '--', program, ...args], {
      encoding: 'utf8',
      input,
      env: { PATH: process.env.PATH, HOME: `${kubeconfig}.home`, KUBECONFIG: kubeconfig },
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    throw new Error(`${program} ${args.join(' ')}: ${stderr.trim() || stdout.trim() || String(error)}`);
  }
};
