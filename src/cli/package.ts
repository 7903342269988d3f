import { readFileSync } from 'node:fs';

/** package.json lies two levels above this file, in src/cli as in dist/cli. */
export const readVersion = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
};
