import type { LabelSelector } from '../model/objects.ts';
import { selectorText } from './selector.ts';

/** Equal for two that are for the same clients, as far as it can be told. Without a selector: for everybody. */
export const clienteleKey = (clients: LabelSelector | undefined): string =>
  clients === undefined ? EVERYBODY : `(${selectorText(clients)})`;

/** Of those who are surely all that these are: the same ones, and every Pod. */
export const widerKeys = (key: string): readonly string[] => (key === EVERYBODY ? [key] : [key, EVERY_POD]);

const EVERYBODY = '';

/** An empty selector is for every Pod that is known as a client, though not for those that nobody knows. */
const EVERY_POD = '()';
