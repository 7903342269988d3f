import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { cgroupRoot } from '../../src/demo/cgroup.ts';
import { createNode, type EmbeddedNode, type NodeOptions } from '../../src/demo/node.ts';
import type { Container, PodSpec } from '../helpers/manifests.ts';
import { retryUntil } from '../helpers/retry.ts';
import { type Image, runtimeSpec } from './runtime-spec.ts';

export const NODE_NAME = 'node-a';

/** The image that scripts/image has built. */
export const builtImage = (): Image & { readonly labels: Readonly<Record<string, string>> } => {
  const { OCIv1 } = JSON.parse(readFileSync('build/image/inspected.json', 'utf8'));
  const { Entrypoint: entrypoint, Cmd: command, Env: env, Labels: labels } = OCIv1.config;
  return { rootfs: resolve('build/image/rootfs'), entrypoint, command, env, labels };
};

export interface RunOptions {
  readonly serviceEnv?: Readonly<Record<string, string>>;
  /** What the kubelet mounts as the Pod's ServiceAccount; none if not given. */
  readonly serviceAccount?: { readonly token: string; readonly certificate: string } | undefined;
}

/**
 * A test node with a container runtime: what a kubelet and containerd do with a container of a DaemonSet, done by crun.
 * Only processes of the node and its pods are served; the BPF file system is its own.
 */
export class Machine implements AsyncDisposable {
  readonly node: EmbeddedNode;
  readonly directory: string;
  readonly #running = new Set<RunningContainer>();
  #started = 0;

  private constructor(node: EmbeddedNode, directory: string) {
    this.node = node;
    this.directory = directory;
  }

  static async create(name: string, options: NodeOptions = {}): Promise<Machine> {
    const machine = new Machine(await createNode({ ...options, name }), mkdtempSync(join(tmpdir(), 'shunt-deployed-')));
    for (const each of ['bpf', 'cgroup', 'emptyDir', 'containers']) mkdirSync(machine.path(each));
    execFileSync('mount', ['-t', 'bpf', '-o', 'mode=0700', 'bpf', machine.path('bpf')]);
    return machine;
  }

  /** As on a node where nobody has mounted one. */
  unmountBpffs(): void {
    execFileSync('umount', [this.path('bpf')]);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Starts a container of a Pod; nothing of it is added or left out. */
  run(pod: PodSpec, container: Container, options: RunOptions = {}): RunningContainer {
    this.#started += 1;
    const id = `${this.node.name}-${this.#started}`;
    const bundle = this.path(id);
    mkdirSync(bundle);
    const spec = runtimeSpec(pod, container, builtImage(), {
      fields: { 'spec.nodeName': NODE_NAME, 'status.hostIP': this.node.address4 },
      paths: { '/sys/fs/bpf': this.path('bpf'), '/sys/fs/cgroup': this.path('cgroup') },
      volumes: { run: this.path('emptyDir') },
      serviceEnv: options.serviceEnv ?? {},
      serviceAccount: writeServiceAccount(bundle, options.serviceAccount),
      cgroupsPath: `/${this.node.name}/${id}`,
    });
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec, null, 2));
    const running = new RunningContainer(this, id, this.crun(['run', '--bundle', bundle, id]));
    this.#running.add(running);
    return running;
  }

  /**
   * Runs crun on this node. It sees version 2 alone at /sys/fs/cgroup, as on a node of Kubernetes; and what stands for
   * that directory is the node's own part.
   */
  crun(args: readonly string[]): ChildProcess {
    const steps = [
      `mount --bind ${this.node.cgroup} ${this.path('cgroup')}`,
      `mount --bind ${cgroupRoot()} /sys/fs/cgroup`,
      `exec crun --root ${this.path('containers')} "$@"`,
    ];
    const command = ['--mount', '--propagation', 'slave', 'sh', '-ec', steps.join(' && '), 'sh', ...args];
    return this.node.spawn('unshare', command, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((container) => container.kill()));
    await this.node.close();
    spawnSync('umount', [this.path('bpf')]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const writeServiceAccount = (bundle: string, files: RunOptions['serviceAccount']): string | undefined => {
  if (files === undefined) return undefined;
  const directory = join(bundle, 'serviceaccount');
  mkdirSync(directory);
  writeFileSync(join(directory, 'token'), files.token);
  writeFileSync(join(directory, 'ca.crt'), files.certificate);
  return directory;
};

export interface Ended {
  readonly status: number;
  readonly output: string;
}

export class RunningContainer {
  readonly ended: Promise<Ended>;
  readonly #machine: Machine;
  readonly #id: string;
  readonly #lines: string[] = [];

  constructor(machine: Machine, id: string, child: ChildProcess) {
    this.#machine = machine;
    this.#id = id;
    this.ended = collect(child, this.#lines);
  }

  /** What it has written so far. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Resolves with the first line that matches; throws with all that it wrote when it has ended without. */
  async wrote(pattern: RegExp, timeoutMs = 15_000): Promise<string> {
    let ended = false;
    void this.ended.then(() => {
      ended = true;
    });
    const line = await retryUntil(() => this.#lines.find((each) => pattern.test(each)) ?? (ended ? '' : undefined), {
      timeoutMs,
    }).catch(() => '');
    if (line === '') throw new Error(`${this.#id} did not write ${pattern}:\n${this.output}`);
    return line;
  }

  /** As `kubectl exec` does. */
  exec(...command: readonly string[]): Promise<Ended> {
    return collect(this.#machine.crun(['exec', this.#id, ...command]), []);
  }

  /** As a kubelet stops a Pod. */
  async stop(): Promise<Ended> {
    await this.#signal('TERM');
    return this.ended;
  }

  async kill(): Promise<void> {
    await this.#signal('KILL');
    await this.ended;
  }

  /** A container that has ended takes none, which is fine. */
  async #signal(name: string): Promise<void> {
    await collect(this.#machine.crun(['kill', this.#id, name]), []);
  }
}

const collect = async (child: ChildProcess, lines: string[]): Promise<Ended> => {
  for (const input of [child.stdout, child.stderr]) {
    if (input !== null) createInterface({ input }).on('line', (line) => lines.push(line));
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { status: code ?? (signal === null ? -1 : 128), output: lines.join('\n') };
};
