import type { DesiredEndpoint, Scope } from '../model/desired.ts';
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

/** Clients of a variant may be given another algorithm, and take turns of their own. */
export const armIdentity = (portId: string, armId: string, variant = 0): Identity =>
  identityOf(variant === 0 ? `${portId}>${armId}` : `${portId}>${armId}>${variant}`);
