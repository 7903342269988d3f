import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { SEEN } from '../../../abi/layout.gen.ts';
import { closeFd, openPinned } from '../../../native/descriptor.ts';
import { readWalk } from '../../../native/walk.ts';
import { listSets } from '../pins.ts';
import { turnOff } from './control.ts';
import { linkIn, removeSameNode } from './pins.ts';

/**
 * Ends what is pinned there, of whatever version: from now on everything goes by TCP, then sockets are parted as soon as
 * nothing redirected is unread, then programs and tables go. What is not parted in time stays joined, and sends by TCP,
 * until it is closed.
 */
export const drainSameNode = async (path: string): Promise<void> => {
  turnOff(path);
  if (existsSync(linkIn(path, 'walk'))) await partAll(path);
  removeSameNode(path);
};

export const drainAllSameNode = async (bpfRoot: string): Promise<void> => {
  await Promise.all(listSets(bpfRoot, 'same-node').map(({ path }) => drainSameNode(path)));
};

const partAll = async (path: string): Promise<void> => {
  const link = openPinned(linkIn(path, 'walk'));
  try {
    for (let waitedMs = 0; waitedMs <= WAIT_MAX_MS; waitedMs += STEP_MS) {
      const seen = await readWalk(link);
      if (!seen.includes(SEEN.JOINED)) return;
      await wait(STEP_MS);
    }
  } finally {
    closeFd(link);
  }
};

/** A sender gets a second to carry out what it was told before. */
const WAIT_MAX_MS = 3000;
const STEP_MS = 100;
