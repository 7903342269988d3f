import { existsSync, mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LAYOUT_HASH } from '../../../abi/layout.gen.ts';
import { closeFd, openPinned } from '../../../native/descriptor.ts';
import { errnoOf } from '../../../native/kernel-error.ts';
import { detachLink } from '../../../native/program.ts';
import { list } from '../pins.ts';

/**
 * Below the BPF root, beside the sets of tables: `same-node-<layout>-<number>/` with tables and links, by their names.
 * Names of links begin with `link-`. As sets, they are made under `new-` and removed under `old-`.
 */
const LAYOUT = LAYOUT_HASH.slice(0, 12);
const NAME = /^same-node-([0-9a-f]+)-(\d+)$/;
const LINK = 'link-';

/** Newest first. */
export const listSameNode = (bpfRoot: string): readonly { readonly path: string; readonly isOurLayout: boolean }[] =>
  list(bpfRoot)
    .flatMap((name) => {
      const match = NAME.exec(name);
      return match === null ? [] : [{ path: join(bpfRoot, name), layout: match[1], number: Number(match[2]) }];
    })
    .toSorted((a, b) => b.number - a.number)
    .map(({ path, layout }) => ({ path, isOurLayout: layout === LAYOUT }));

/** Pins what `pin` pins under the given directory, as one new set; returns where. */
export const createSameNode = (bpfRoot: string, pin: (directory: string) => void): string => {
  const numbers = listSameNode(bpfRoot).map(({ path }) => Number(path.slice(path.lastIndexOf('-') + 1)));
  const name = `same-node-${LAYOUT}-${Math.max(0, ...numbers) + 1}`;
  const unfinished = join(bpfRoot, `new-${name}`);
  mkdirSync(unfinished, { mode: 0o700 });
  pin(unfinished);
  renameSync(unfinished, join(bpfRoot, name));
  return join(bpfRoot, name);
};

export const linkIn = (path: string, name: string): string => join(path, `${LINK}${name}`);

/** Everything that is attached there, at once: links first, or others would go on without their tables. */
export const removeSameNode = (path: string): void => {
  const unused = join(dirname(path), `old-${basename(path)}`);
  renameSync(path, unused);
  for (const name of list(unused).filter((each) => each.startsWith(LINK))) removeLink(join(unused, name));
  for (const name of list(unused)) unlinkSync(join(unused, name));
  rmdirSync(unused);
};

/** What is attached to a tracepoint has no other end than its last reference. */
export const removeLink = (path: string): void => {
  if (!existsSync(path)) return;
  const link = openPinned(path);
  try {
    detachLink(link);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTSUP') throw error;
  } finally {
    closeFd(link);
  }
  unlinkSync(path);
};
