import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { namespacePath } from './namespace.ts';

/** Where a process lives: its sockets belong to this cgroup and its packets to this network namespace. */
export interface Place {
  readonly netns: string;
  readonly cgroup: string;
}

/** Something that processes can be started in: a pod, a node, or the machine itself. */
export interface Spawner {
  spawn(command: string, args?: readonly string[], options?: SpawnOptions): ChildProcess;
}

/**
 * Joins the cgroup before anything else, so that every socket is born in it; both steps are `exec`, so the pid of the
 * child is that of the command.
 */
const JOIN = 'procs=$1 netns=$2; shift 2; echo $$ > "$procs" && exec nsenter --net="$netns" -- "$@"';

/** The processes of a node, which end with it. */
export class Processes {
  readonly #running = new Map<ChildProcess, Place>();

  spawn(place: Place, command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const into = [`${place.cgroup}/cgroup.procs`, namespacePath(place.netns)];
    const child = spawn('sh', ['-c', JOIN, 'sh', ...into, command, ...args], options);
    this.#running.set(child, place);
    child.once('exit', () => this.#running.delete(child));
    child.once('error', () => this.#running.delete(child));
    return child;
  }

  /** Ends those of one cgroup, or all. Children of theirs are left to `removeCgroup`. */
  async end(cgroup?: string): Promise<void> {
    const ending = [...this.#running].filter(([, place]) => cgroup === undefined || place.cgroup === cgroup);
    await Promise.all(
      ending.map(async ([child]) => {
        const ended = once(child, 'exit').catch(() => {});
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }
}
