import type { IncomingMessage } from 'node:http';
import { parseAddress } from '../../core/model/address.ts';
import { ShuntError } from '../../errors.ts';

/**
 * A page elsewhere can have its own name lead here (DNS rebinding), and would then be read as this one. It has no other way
 * than a name: IP addresses, `localhost` and the name that the agent was told to listen on, `ownName`, are none that it
 * could have.
 */
export const admitHost = ({ headers: { host = '' } }: Pick<IncomingMessage, 'headers'>, ownName: string): void => {
  const name = (/^(.*?)(?::\d{1,5})?$/.exec(host)?.[1] ?? '').toLowerCase();
  const bare = /^\[(.*)\]$/.exec(name)?.[1] ?? name;
  const isAddress = 'text' in parseAddress(bare);
  const isOurs = name === 'localhost' || (name !== '' && name === ownName.toLowerCase());
  if (!isAddress && !isOurs) throw new ShuntError('SHUNT_E_HTTP_HOST', { host: `\`${host}\`` });
};

/**
 * Other sites may link to the page, but cannot make a browser ask for what it shows: that costs the node something. Where
 * browsers do not say from which site, as for an address that is not the loopback's, they name the origin of another one.
 */
export const admitSite = ({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): void => {
  const site = headers['sec-fetch-site'] ?? (headers.origin === undefined ? 'none' : 'cross-site');
  const isLink = headers['sec-fetch-mode'] === 'navigate' && !url.startsWith('/api/');
  if (site === 'none' || site === 'same-origin' || isLink) return;
  throw new ShuntError('SHUNT_E_HTTP_SITE', { path: `\`${url}\`` });
};
