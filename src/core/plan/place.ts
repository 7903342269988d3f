import type { DesiredArm, DesiredEndpoint, DesiredGroup, Scope } from '../model/desired.ts';
import { identityOf } from './identity.ts';
import type { Identity } from './transaction.ts';

/** Who may answer from one record: everybody of a scope or clients of one variant, by one arm or without arms. */
export type Place = string;

/** `arm`: its `identityKey`. */
export const placeOf = (
  { scope, variant = 0 }: { readonly scope: Scope; readonly variant?: number },
  arm = '',
): Place => `${scope} ${variant} ${arm}`;

export const memberKey = (place: Place, { address, port }: Pick<DesiredEndpoint, 'address' | 'port'>): string =>
  `${place} ${address} ${port}`;

/**
 * Clients of a variant may be given another algorithm, and take turns of their own. What an arm without endpoints refuses is
 * counted in its record alone, so there it has one for each family and scope.
 */
export const armIdentity = (
  portId: string,
  { id, endpoints }: Pick<DesiredArm, 'id' | 'endpoints'>,
  { family, scope, variant = 0 }: Pick<DesiredGroup, 'family' | 'scope' | 'variant'>,
): Identity => {
  const name = variant === 0 ? `${portId}>${id}` : `${portId}>${id}>${variant}`;
  return identityOf(endpoints.length > 0 ? name : `${name}!${family}!${scope}`);
};
