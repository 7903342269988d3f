import type { DesiredPort } from '../model/desired.ts';
import type { ServiceInput } from './desire.ts';
import { servedPort } from './ports.ts';
import { type Ruling, rulingFor } from './ruling.ts';
import { variantsOf } from './variants.ts';

/**
 * What counts at a port, by `DesiredGroup.variant`; at 0 for everybody. Empty where the Service has no such port that can
 * be served.
 */
export const rulingsAt = (input: ServiceInput, id: DesiredPort['id']): ReadonlyMap<number, Ruling> => {
  const port = servedPort(input.service, id);
  if (port === undefined) return new Map();
  const everybody = rulingFor(input, port, undefined);
  return new Map([
    [0, everybody],
    ...variantsOf(input, port, everybody).map(({ number, ruling }) => [number, ruling] as const),
  ]);
};
