import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ShuntError } from '../errors.ts';

const NAME = 'libshunt.so';

/** The library that `SHUNT_SHIM` names, else that of the checkout, else the installed one. */
export const findLibrary = (
  environment: Readonly<Record<string, string | undefined>> = process.env,
  packageRoot: string = join(import.meta.dirname, '..', '..'),
): string => {
  const named = environment.SHUNT_SHIM;
  if (named) return named;
  const places = [join(packageRoot, 'build', 'native', NAME), join('/usr/lib/shunt', NAME)];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new ShuntError('SHUNT_E_SHIM_LOAD', { detail: `not found: ${places.join(', ')}` });
  return found;
};
