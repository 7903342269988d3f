import { argumentsOf } from './arguments.ts';
import { checkDescriptor } from './descriptor.ts';
import type { BpfMap } from './map.ts';
import { type Call, call, callAsync } from './shim.ts';

/**
 * Ends connected UDP sockets: whoever waits for one is woken with ECONNABORTED, and it is not connected any more.
 * `targets` says which: cookie -> address (16 bytes, IPv4 as IPv4-mapped), port (2, big-endian) and 2 more bytes. What was ended is
 * gone from it afterwards; what was not found, or is connected elsewhere by now, is still there.
 *
 * They are looked for in the network namespace of the process and in each one in the directory, which need not exist;
 * all on another thread. Map and link must stay open meanwhile. `walk` is the link of a program that ends sockets; the
 * kernel's sock_diag(7) does without.
 */
export const endSockets = async (directory: string, targets: BpfMap, walk?: number): Promise<void> => {
  argumentsOf('endSockets').text('directory', directory);
  await callAsync('endSockets', directory, ...descriptorsOf('endSockets', targets, walk));
};

/**
 * The same walk for another program of `SEC("iter/tcp")` or `SEC("iter/udp")`, which takes out of `targets` what it
 * finds. It ends when nothing is left to be looked for.
 */
export const walkSockets = async (directory: string, targets: BpfMap, walk: number): Promise<void> =>
  endSockets(directory, targets, walk);

/** Whether this kernel can end sockets in this way: tried on a socket of our own. `targets` as above. */
export const probeEndSockets = (targets: BpfMap, walk?: number): boolean =>
  call('probeEndSockets', ...descriptorsOf('probeEndSockets', targets, walk)) === 1;

const NO_WALK = -1;

const descriptorsOf = (name: Call, targets: BpfMap, walk: number | undefined): [number, number] => [
  checkDescriptor(name, 'targets', targets.fd),
  walk === undefined ? NO_WALK : checkDescriptor(name, 'walk', walk),
];
