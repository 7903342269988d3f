import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { debianPackages } from './debian-packages.ts';

const read = (path: string): string => readFileSync(path, 'utf8');
const manifest = JSON.parse(read('package.json'));
const lock: Record<string, LockEntry> = JSON.parse(read('package-lock.json')).packages;

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe('docs/dependencies.md', () => {
  test.each([
    ['In the agent', Object.keys(manifest.dependencies)],
    ['To build and test', Object.keys(manifest.devDependencies)],
    ['Node itself', Object.keys(manifest.optionalDependencies)],
    ['Debian packages', debianPackages()],
    ['To test the deployment', debianPackages('scripts/image')],
  ])('lists under "%s" exactly what is installed, each with a reason', (heading, installed) => {
    const rows = tableUnder(heading);
    expect(rows.map(([name]) => name)).toEqual(installed.toSorted());
    expect(rows.filter(([, reason = '']) => reason.length < 10)).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const entries = Object.entries(lock).filter(([path]) => path !== '');

  test('names no registry', () => {
    expect(entries.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  // npm leaves out what a registry does not offer for other platforms, and `npm ci` then refuses the file.
  test('has an entry with a version for every dependency of every package, optional ones too', () => {
    const wanted = entries.flatMap(([path, entry]) =>
      Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }).map((name) => `${path} ${name}`),
    );
    expect(wanted.filter((want) => versionOf(want) === undefined)).toEqual([]);
  });
});

/** As Node resolves it: nested, or at the top. */
const versionOf = (want: string): string | undefined => {
  const [path, name] = want.split(' ');
  return (lock[`${path}/node_modules/${name}`] ?? lock[`node_modules/${name}`])?.version;
};

function tableUnder(heading: string): string[][] {
  const section =
    read('docs/dependencies.md')
      .split(/^## /m)
      .find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const cells = section.matchAll(/^\| *(\S+) *\| (.+?) *\|$/gm);
  return [...cells].map(([, name = '', reason = '']) => [name, reason]).slice(1);
}
