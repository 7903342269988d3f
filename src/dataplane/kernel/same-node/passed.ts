import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { readBuilt } from '../load.ts';
import { list } from '../pins.ts';

/**
 * That these programs have passed the self-test on this kernel: an empty directory below the BPF root, which a bpffs
 * keeps as long as the machine runs.
 */
const PREFIX = 'passed-same-node-';

export const hasPassed = (bpfRoot: string): boolean => existsSync(join(bpfRoot, markOf()));

export const rememberPassed = (bpfRoot: string): void => {
  forgetPassed(bpfRoot);
  mkdirSync(join(bpfRoot, markOf()), { mode: 0o700 });
};

/** Of these programs and of those of other versions. */
export const forgetPassed = (bpfRoot: string): void => {
  for (const name of list(bpfRoot).filter((each) => each.startsWith(PREFIX))) rmdirSync(join(bpfRoot, name));
};

const markOf = (): string =>
  `${PREFIX}${createHash('sha256').update(readBuilt('same-node.bpf.o')).digest('hex').slice(0, 12)}`;
