/** The Service port that the address of the page names: `#service=shop/cart/http/TCP`; undefined: all of the node. */
export const serviceIn = (hash: string): string | undefined =>
  hash.startsWith(PREFIX) ? hash.slice(PREFIX.length) : undefined;

/** Names of Services and ports have nothing in them that an address could not hold. */
export const placeOf = (id: string): string => `${PREFIX}${id}`;

const PREFIX = '#service=';
