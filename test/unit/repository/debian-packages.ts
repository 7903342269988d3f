import { readFileSync } from 'node:fs';

/** What a script installs from Debian. */
export const debianPackages = (script = 'scripts/setup'): string[] => {
  const list = /^debian_packages=\(\n([^)]*)\)$/m.exec(readFileSync(script, 'utf8'))?.[1];
  if (list === undefined) throw new Error(`${script} has no list debian_packages`);
  return list.trim().split(/\s+/);
};
