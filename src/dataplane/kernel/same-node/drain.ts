import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { SEEN } from '../../../abi/layout.gen.ts';
import { closeFd, openPinned } from '../../../native/descriptor.ts';
import { BpfMap } from '../../../native/map.ts';
import { readWalk } from '../../../native/walk.ts';
import { linkIn, listSameNode, removeSameNode } from './pins.ts';

/**
 * Ends what is pinned there, of whatever version: from now on everything goes by TCP, then sockets are parted as soon as
 * nothing redirected is unread, then programs and tables go. What is not parted in time stays joined, and sends by TCP,
 * until it is closed.
 */
export const drainSameNode = async (path: string, waitMaxMs = WAIT_MAX_MS): Promise<void> => {
  turnOff(path);
  if (existsSync(linkIn(path, 'walk'))) await partAll(path, waitMaxMs);
  removeSameNode(path);
};

export const drainAllSameNode = async (bpfRoot: string): Promise<void> => {
  await Promise.all(listSameNode(bpfRoot).map(({ path }) => drainSameNode(path)));
};

/** The first word of its record, in every version. */
export const turnOff = (path: string): void => {
  using control = BpfMap.openPinned(`${path}/control`);
  const value = control.lookup(FIRST);
  if (value === undefined) return;
  new DataView(value.buffer).setUint32(0, 1, true);
  control.update(FIRST, value, 1);
};

const FIRST = new Uint8Array(4);

const partAll = async (path: string, waitMaxMs: number): Promise<void> => {
  const link = openPinned(linkIn(path, 'walk'));
  try {
    for (let waitedMs = 0; waitedMs <= waitMaxMs; waitedMs += STEP_MS) {
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
