import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LAYOUT_HASH } from '../../abi/layout.gen.ts';
import { withRights } from './rights.ts';

/**
 * What is pinned where, below the BPF root:
 *
 *     links/<program>              the attached programs; replacing the program of a link is one atomic step
 *     set-<layout>-<number>/<map>  a complete set of tables; <layout> names the records' layout
 *     same-node-<layout>-<number>/ the same of same-node redirection, with links of its own (same-node/pins.ts)
 *     new-set-<layout>-<number>/   a set in the making: never used, removed at the next start
 *     old-set-<layout>-<number>/   a set that is being removed: not used any more, removed at the next start
 *
 * A set is made under `new-` and removed under `old-`, each by one renaming, so every `set-` is complete however its
 * maker or remover ended. The newest of our layout that an attached program reads is the one in force; others are left
 * over from an upgrade or a growth that was cut, and are drained.
 */
export interface TableSet {
  readonly path: string;
  readonly layout: string;
  readonly number: number;
}

const LAYOUT = LAYOUT_HASH.slice(0, 12);
const SET_NAMES = { set: /^set-([0-9a-f]+)-(\d+)$/, 'same-node': /^same-node-([0-9a-f]+)-(\d+)$/ } as const;
const UNFINISHED_NAME = /^(new|old)-/;

export type SetKind = keyof typeof SET_NAMES;

/** Complete sets, newest first. */
export const listSets = (bpfRoot: string, kind: SetKind = 'set'): TableSet[] =>
  list(bpfRoot)
    .map((name) => ({ name, match: SET_NAMES[kind].exec(name) }))
    .filter(({ match }) => match !== null)
    .map(({ name, match }) => ({ path: join(bpfRoot, name), layout: match?.[1] ?? '', number: Number(match?.[2]) }))
    .toSorted((a, b) => b.number - a.number);

export const isOurLayout = (set: TableSet): boolean => set.layout === LAYOUT;

export const removeUnfinished = (bpfRoot: string): void => {
  for (const name of list(bpfRoot).filter((entry) => UNFINISHED_NAME.test(entry))) removePins(join(bpfRoot, name));
};

/** Pins everything that `pin` pins under the given directory, as one new set. */
export const createSet = (bpfRoot: string, pin: (directory: string) => void, kind: SetKind = 'set'): TableSet => {
  removeUnfinished(bpfRoot);
  const number = (listSets(bpfRoot, kind)[0]?.number ?? 0) + 1;
  const name = `${kind}-${LAYOUT}-${number}`;
  const unfinished = join(bpfRoot, `new-${name}`);
  const path = join(bpfRoot, name);
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  pin(unfinished);
  renameSync(unfinished, path);
  return { path, layout: LAYOUT, number };
};

/** First of all it is no set any more. `detach` is given where its links are now. */
export const removeSet = (path: string, detach?: (unused: string) => void): void => {
  const unused = join(dirname(path), `old-${basename(path)}`);
  renameSync(path, unused);
  detach?.(unused);
  removePins(unused);
};

/** bpffs has no recursive removal of its own; a set is one directory of pins. */
const removePins = (path: string): void => {
  for (const name of list(path)) unlinkSync(join(path, name));
  rmdirSync(path);
};

export const linksPath = (bpfRoot: string): string => join(bpfRoot, 'links');
export const linkPath = (bpfRoot: string, program: string): string => join(linksPath(bpfRoot), program);

/** Directories in which Shunt is attached, of those in this one. */
export const loadedRoots = (directory: string): readonly string[] =>
  list(directory)
    .map((name) => join(directory, name))
    .filter((root) => existsSync(linkPath(root, 'shunt_connect4')))
    .toSorted();

/** Empty where there is none. To whom it may not show its entries it must not seem empty: that is an error. */
export const list = (directory: string): string[] =>
  withRights(directory, () => {
    try {
      return readdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
