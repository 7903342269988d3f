import { once } from 'node:events';
import type { Pod } from '../../src/demo/pod.ts';
import { retryUntil } from './retry.ts';

/**
 * A connection on which nothing is ever said, until one of its Pods goes. If both ends want to be joined, reads of the node are
 * watched as long: what is made then is watched from its first read on. `isMet` says whether a walk has met both ends.
 */
export const openIdleConnection = async (from: Pod, to: Pod, isMet: () => boolean): Promise<void> => {
  await start(to, `require('net').createServer().listen(${PORT}, () => console.log('ready'))`);
  await start(from, `require('net').connect(${PORT}, '${to.address4}', () => console.log('ready'))`);
  await retryUntil(isMet);
};

const start = async (pod: Pod, script: string): Promise<void> => {
  const { stdout } = pod.spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (stdout !== null) await once(stdout, 'data');
};

/** Not one of anybody else's. */
const PORT = 9;
