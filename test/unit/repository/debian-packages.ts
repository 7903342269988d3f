import { readFileSync } from 'node:fs';

/** What scripts/setup installs from Debian. */
export const debianPackages = (): string[] => {
  const list = /^debian_packages=\(\n([^)]*)\)$/m.exec(readFileSync('scripts/setup', 'utf8'))?.[1];
  if (list === undefined) throw new Error('scripts/setup has no list debian_packages');
  return list.trim().split(/\s+/);
};
