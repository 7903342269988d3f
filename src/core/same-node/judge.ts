import { keyOf } from '../cluster/keys.ts';
import { objectText } from '../desire/complaint.ts';
import type { PodObject } from '../model/objects.ts';
import { modeOf } from './local-pods.ts';
import { type ServedSocket, socketKey } from './served.ts';

/** Whether what a client Pod and an endpoint of one node send each other goes socket to socket, and why. */
export type PairJudgement =
  /** Once both have shown that they read as event loops do. `policy`: as complaints name it. */
  | { readonly redirected: true; readonly reason: 'policy'; readonly service: string; readonly policy: string }
  | { readonly redirected: true; readonly reason: 'labels' }
  /** `labelled`: the `namespace/name` of the one that has such a label, of `one label` alone. */
  | { readonly redirected: false; readonly reason: 'plain' | 'one label'; readonly labelled: string }
  | { readonly redirected: false; readonly reason: 'nobody asks' }
  /** The objects ask for it; the agent was told not to, or this kernel cannot. */
  | { readonly redirected: false; readonly reason: 'off' | 'unavailable' };

export interface Pair {
  /** Both on this node, and with addresses of their own. */
  readonly client: PodObject;
  readonly server: PodObject;
  /** Where the client connects to: that of an endpoint, not of a Service. */
  readonly address: string;
  readonly port: number;
}

/** As the kernel programs judge by the ends of `wantedEnds`. */
export const judgePair = (
  served: ReadonlyMap<string, ServedSocket>,
  { client, server, address, port }: Pair,
): PairJudgement => {
  const plain = [client, server].find((pod) => modeOf(pod) === 'plain');
  if (plain !== undefined) return { redirected: false, reason: 'plain', labelled: keyOf(plain) };
  const socket = served.get(socketKey(address, port));
  if (socket !== undefined) {
    return { redirected: true, reason: 'policy', service: socket.service, policy: objectText(socket.policy) };
  }
  const willing = [client, server].filter((pod) => modeOf(pod) === 'redirect');
  if (willing.length === 2) return { redirected: true, reason: 'labels' };
  const [one] = willing;
  return one === undefined
    ? { redirected: false, reason: 'nobody asks' }
    : { redirected: false, reason: 'one label', labelled: keyOf(one) };
};
