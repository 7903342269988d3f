import type { KernelDataplane } from '../../src/dataplane/kernel/kernel.ts';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { openHandMade } from './hand-made.ts';
import { openShell, type SocketShell } from './socket-shell.ts';

/** One client, three servers that do not serve yet, and tables made by hand: backend i is the server i, the Service record 0. */
export interface HandMadeScene extends AsyncDisposable {
  readonly node: EmbeddedNode;
  readonly kernel: KernelDataplane;
  readonly client: SocketShell;
  readonly pods: readonly Pod[];
  readonly servers: readonly SocketShell[];
}

export const VIP = '10.96.0.1';
/** Of the servers. */
export const NAMES = ['v0', 'v1', 'v2'] as const;
export const WEIGHTS = [3, 2, 1] as const;
/** Where nobody listens. */
export const CLOSED_PORT = 1;

export const openHandMadeScene = async (name: string): Promise<HandMadeScene> => {
  const node = await createNode({ name });
  try {
    const pods = await Promise.all(NAMES.map((each) => node.addPod(each)));
    const servers = await Promise.all(pods.map((pod) => openShell(pod)));
    const client = await openShell(await node.addPod('client'));
    const kernel = await openHandMade(node);
    return {
      node,
      kernel,
      client,
      pods,
      servers,
      [Symbol.asyncDispose]: async () => {
        kernel.close();
        await node.close();
      },
    };
  } catch (error) {
    await node.close();
    throw error;
  }
};
