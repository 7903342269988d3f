import type { Family } from '../model/objects.ts';

/** Of an address in canonical text. */
export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);
