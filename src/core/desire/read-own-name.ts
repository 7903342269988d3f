import { meantBy } from '../nearest.ts';
import { at, complain, type Fields, type Path, type Review } from './read-field.ts';

/**
 * Looks at the names of labels or annotations of which `own`, such as `shunt.dev/narrowed`, is the only one of ours, and
 * warns of others of ours. Returns those that may be meant for it.
 */
export const checkOwnNames = (review: Review, names: Fields, path: Path, own: string): readonly string[] =>
  Object.keys(names).filter((name) => {
    if (name === own || !isLikeOurs(name)) return false;
    const isMeant = isMeantFor(name, own);
    const text = isMeant ? `: is ${own} meant?` : '';
    if (isMeant || name.startsWith(PREFIX)) complain(review, 'warning', at(path, name), `is not known here${text}`);
    return isMeant;
  });

/** Nearly all names are not, and need no closer look. */
const isLikeOurs = (name: string): boolean => name.startsWith('sh') && name.includes('/');

/** The prefix as it is and the name nearly, or the other way round. */
const isMeantFor = (name: string, own: string): boolean => {
  const slash = name.lastIndexOf('/') + 1;
  const [prefix, rest] = [name.slice(0, slash), name.slice(slash)];
  const ownRest = own.slice(PREFIX.length);
  if (rest === ownRest) return meantBy(prefix, [PREFIX]) !== undefined;
  return prefix === PREFIX && meantBy(rest, [ownRest]) !== undefined;
};

const PREFIX = 'shunt.dev/';
