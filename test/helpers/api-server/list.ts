import { setImmediate as turn } from 'node:timers/promises';
import type { Outlet } from './outlet.ts';
import type { Question } from './question.ts';
import { keyOf, type RawObject, RESOURCES } from './resources.ts';
import { badRequest, expired, type StatusAnswer } from './status.ts';
import type { ObjectStore } from './store.ts';

/** What a list will say: decided at once, sent piece by piece. */
export interface Listing {
  readonly version: number;
  readonly items: readonly RawObject[];
  readonly continue: string | undefined;
  readonly remaining: number;
}

/** Pages are of the state of the first page, which is lost when the history that leads back to it is. */
export const listingOf = (store: ObjectStore, question: Question): Listing | StatusAnswer => {
  const page = question.continue === undefined ? undefined : readToken(question.continue);
  if (page === 'wrong') return badRequest('continue key is not valid');
  const version = page?.version ?? store.version;
  const all = stateAt(store, question, version);
  if (all === undefined) return expired(String(version));
  const rest = page === undefined ? all : all.filter((object) => keyOf(object) > page.after);
  // A server that answers from its cache does not look at the limit.
  const limited = question.limit > 0 && !(question.version === 0 && page === undefined);
  const items = limited ? rest.slice(0, question.limit) : rest;
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  const token = remaining > 0 && last !== undefined ? writeToken(version, keyOf(last)) : undefined;
  return { version, items, continue: token, remaining };
};

/** With the fields in the order in which an API server writes them: those of custom resources by the alphabet. */
export const sendListing = async (
  outlet: Outlet,
  { resource, apiVersion, limit }: Question,
  { items, ...listing }: Listing,
): Promise<void> => {
  const { kind, custom } = RESOURCES[resource];
  const metadata = JSON.stringify({
    resourceVersion: String(listing.version),
    ...(listing.continue === undefined ? {} : { continue: listing.continue, remainingItemCount: listing.remaining }),
    ...(limit > 0 && listing.continue === undefined ? { continue: '' } : {}),
  });
  outlet.open();
  outlet.frame(
    custom
      ? `{"apiVersion":"${apiVersion}","items":[`
      : `{"kind":"${kind}List","apiVersion":"${apiVersion}","metadata":${metadata},"items":[`,
  );
  for (const [index, item] of items.entries()) {
    outlet.line(`${index > 0 ? ',' : ''}${itemText({ ...item, apiVersion }, custom)}`);
    await outlet.drained();
    if (index % 500 === 499) await turn();
    if (outlet.over) return;
  }
  outlet.frame(custom ? `],"kind":"${kind}List","metadata":${metadata}}\n` : ']}\n');
  outlet.end();
};

/** What is built in leaves out of each item what the list says already. */
const itemText = ({ kind, apiVersion, ...fields }: RawObject, custom: boolean): string =>
  JSON.stringify(custom ? { apiVersion, kind, ...fields } : fields);

/** Goes back from the present state by the changes since then. */
const stateAt = (
  store: ObjectStore,
  { resource, select }: Question,
  version: number,
): readonly RawObject[] | undefined => {
  const events = store.eventsAfter(resource, version);
  if (events === undefined) return undefined;
  const objects = new Map(store.list(resource).map((object) => [keyOf(object), object]));
  for (const { object, before } of events.toReversed()) {
    if (before === undefined) objects.delete(keyOf(object));
    else objects.set(keyOf(object), before);
  }
  return [...objects.keys()]
    .sort()
    .map((key) => objects.get(key) as RawObject)
    .filter(select);
};

interface Token {
  readonly version: number;
  readonly after: string;
}

const writeToken = (version: number, after: string): string =>
  Buffer.from(JSON.stringify({ version, after } satisfies Token)).toString('base64url');

const readToken = (text: string): Token | 'wrong' => {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return 'wrong';
  }
};
