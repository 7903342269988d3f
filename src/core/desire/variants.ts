import type { Client } from '../model/desired.ts';
import { identityOf } from '../plan/identity.ts';
import type { ServiceInput } from './desire.ts';
import { compareText } from './order.ts';
import type { ServedPort } from './ports.ts';
import { type Ruling, rulingFor } from './ruling.ts';

/** Clients that are answered alike, and not as everybody is. */
export interface Variant {
  /** 1..32767; see `DesiredGroup.variant`. */
  readonly number: number;
  readonly ruling: Ruling;
  /** In the order of their Pods' names. */
  readonly clients: readonly Client[];
}

/** In the order of the names of what counts for them. */
export const variantsOf = (input: ServiceInput, port: ServedPort, everybody: Ruling): readonly Variant[] => {
  if (input.clients === undefined) return NONE;
  const found = new Map<string, { readonly ruling: Ruling; readonly clients: Client[] }>();
  for (const client of input.clients.toSorted((a, b) => compareText(a.key, b.key))) {
    const ruling = rulingFor(input, port, client);
    if (ruling.name === everybody.name) continue;
    const known = found.get(ruling.name);
    if (known === undefined) found.set(ruling.name, { ruling, clients: [client.client] });
    else known.clients.push(client.client);
  }
  return numbered([...found.values()].sort((a, b) => compareText(a.ruling.name, b.ruling.name)));
};

/** Of two whose hashes meet the later one takes the next number that is free. */
const numbered = (found: readonly Omit<Variant, 'number'>[]): readonly Variant[] => {
  const taken = new Set<number>();
  return found.map((variant) => {
    let number = variantNumber(identityOf(variant.ruling.name)[0]);
    while (taken.has(number)) number = variantNumber(number);
    taken.add(number);
    return { ...variant, number };
  });
};

const variantNumber = (hash: number): number => (hash % VARIANT_MAX) + 1;

const VARIANT_MAX = 32_767;

const NONE: readonly Variant[] = [];
