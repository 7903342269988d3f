import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedNode } from '../../../src/demo/node.ts';
import type { Pod } from '../../../src/demo/pod.ts';
import { prepareForBattery } from '../battery.ts';
import { pod } from '../objects.ts';
import type { RunningAgent } from '../running-agent.ts';

/** Where a program runs: Pods of its own, so that what is learned of one program is not held against another. */
export interface Scene {
  readonly client: Pod;
  /** Between the two, for those who have somebody there. */
  readonly proxy: Pod;
  readonly server: Pod;
  /** Of its own, for any user to look into. Goes with the scene. */
  readonly directory: string;
}

/** A program as Debian has it. */
export interface RealProgram {
  readonly name: string;
  /** Messages are redirected at least so often; 0: never. */
  readonly messagesMin: number;
  /** Why sockets were not joined, or not for long: all that `shunt_same_node_unfit_total` counts but what is said of the other end. */
  readonly unfit: readonly string[];
  /** As `unfit`, of what may be counted or not: it depends on how fast the other end is. */
  readonly sometimes?: readonly string[];
  /** Returns what was seen of bytes and results, and nothing that differs between two runs over plain TCP. */
  run(scene: Scene): Promise<unknown>;
}

/** Disposing of it ends whatever runs there. */
export const openScene = async (
  node: EmbeddedNode,
  agent: RunningAgent,
  name: string,
  sameNode: 'redirect' | 'plain',
): Promise<Scene & AsyncDisposable> => {
  const opened = new AsyncDisposableStack();
  try {
    const directory = mkdtempSync(join(tmpdir(), 'shunt-program-'));
    opened.defer(() => rmSync(directory, { recursive: true, force: true }));
    chmodSync(directory, 0o755);
    const add = async (role: string): Promise<Pod> => {
      const each = await node.addPod(`${name}-${sameNode}-${role}`);
      opened.defer(() => node.removePod(each.name));
      await prepareForBattery(each);
      return each;
    };
    const [client, proxy, server] = await Promise.all([add('client'), add('proxy'), add('server')]);
    const asObject = (each: Pod) => pod({ name: each.name, addresses: [each.address4, each.address6], sameNode });
    const objects = [client, proxy, server].map(asObject);
    await agent.put(...objects);
    // First of all: their addresses are given again.
    opened.defer(() => agent.remove(...objects).then(() => {}));
    return { client, proxy, server, directory, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
};
