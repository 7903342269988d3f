import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeLink } from '../attach.ts';
import { list, removeSet } from '../pins.ts';

/** In a set of same-node redirection its links lie beside its tables; their names begin so. */
const LINK = 'link-';

export const linkIn = (path: string, name: string): string => join(path, `${LINK}${name}`);

/** Links first, or they would go on without their tables. */
export const removeSameNode = (path: string): void =>
  removeSet(path, (unused) => {
    for (const name of list(unused).filter((each) => each.startsWith(LINK))) removeLink(join(unused, name));
  });

export const removeLinkIn = (path: string, name: string): void => {
  if (existsSync(linkIn(path, name))) removeLink(linkIn(path, name));
};
