import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  CONNECTION_WAYS,
  EVENT,
  FALLBACK_NAMES,
  MAPS,
  UNFIT_NAMES,
  VERDICT_NAMES,
} from '../../../src/abi/layout.gen.ts';
import { OPTIONS, variableOf } from '../../../src/agent/options.ts';
import type { Command } from '../../../src/cli/command.ts';
import { examine } from '../../../src/cli/doctor/examine.ts';
import { VERBS } from '../../../src/cli/verbs.ts';
import { PROGRAMS } from '../../../src/dataplane/kernel/programs.ts';
import { ERRORS } from '../../../src/errors.ts';
import { METRICS } from '../../../src/observe/registry.ts';
import { tableUnder } from '../../helpers/markdown.ts';

const DOCUMENTS = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'LICENSES/README.md',
  'docs/algorithms.md',
  'docs/api.md',
  'docs/architecture.md',
  'docs/benchmarks.md',
  'docs/deploy.md',
  'docs/dependencies.md',
  'docs/errors.md',
  'docs/metrics.md',
  'docs/operations.md',
  'docs/redirection.md',
  'docs/services.md',
  'docs/traffic.md',
] as const;

const read = (path: string): string => readFileSync(path, 'utf8');
const ARCHITECTURE = read('docs/architecture.md');
const OPERATIONS = read('docs/operations.md');

describe.each(DOCUMENTS)('%s', (path) => {
  const text = read(path);

  test('links to files and headings that exist', () => {
    expect(linksIn(text).filter((link) => !leadsSomewhere(path, link))).toEqual([]);
  });

  test('names files of the repository that exist', () => {
    expect(pathsIn(text).filter((name) => !existsSync(name))).toEqual([]);
  });

  test('names targets of make, codes of errors and metrics that exist', () => {
    const targets = [...read('Makefile').matchAll(/^([a-z][a-z -]*):/gm)].flatMap(([, names = '']) => names.split(' '));
    expect(found(text, /`make ([a-z-]+)`|^make ([a-z-]+)/gm).filter((target) => !targets.includes(target))).toEqual([]);
    expect(found(text, /\b(SHUNT_E_[A-Z_]+)\b/g).filter((code) => !(code in ERRORS))).toEqual([]);
    const metrics = Object.values(METRICS).map(({ name }): string => name);
    const shown = found(text, /`((?:shunt|kubeproxy)_[a-z_]+)[`{]/g).filter((name) => !name.startsWith('shunt_wait_'));
    expect(shown.filter((name) => !metrics.includes(name))).toEqual([]);
  });

  test('names no path of anybody’s machine', () => {
    expect(text.match(/(?:\/work|\/home|\/root|\/tmp)\b.*/g)).toBeNull();
  });
});

describe('commands in documents', () => {
  let commands: ReadonlyMap<string, Command>;
  beforeAll(async () => {
    commands = new Map(await Promise.all(VERBS.map(async ({ name, load }) => [name, (await load()).command] as const)));
  });

  test.each(DOCUMENTS)('of %s have verbs and flags that exist', (path) => {
    const wrong = shuntCommandsIn(read(path)).filter(({ verb, flags }) => {
      const command = commands.get(verb);
      return command === undefined || flags.some((flag) => flag !== 'help' && !(flag in command.flags));
    });
    expect(wrong).toEqual([]);
  });

  test('docs/operations.md lists every verb', () => {
    const listed = tableUnder(OPERATIONS, 'Verbs').map(([verb]) => verb);
    expect(listed.toSorted()).toEqual(VERBS.map(({ name }) => `\`shunt ${name}\``).toSorted());
  });
});

test('docs/operations.md lists every setting of `shunt run` with its variable and its default', () => {
  const rows = tableUnder(OPERATIONS, 'Settings of `shunt run`');
  const wanted = Object.entries(OPTIONS).map(([name, option]) => ({
    flag: `\`--${name}\``,
    variable: `\`${variableOf(name as keyof typeof OPTIONS)}\``,
    fallback: 'default' in option && option.default !== '' ? `\`${option.default}\`` : undefined,
  }));
  expect(rows.map(([flag, variable]) => ({ flag, variable }))).toEqual(
    wanted.map(({ flag, variable }) => ({ flag, variable })),
  );
  const shown = rows.map(([, , fallback = '']) => fallback);
  // Without a fixed default the cell says where the value is found, in words.
  expect(wanted.filter(({ fallback }, row) => fallback !== undefined && fallback !== shown[row])).toEqual([]);
  expect(wanted.filter(({ fallback }, row) => fallback === undefined && shown[row]?.startsWith('`/'))).toEqual([]);
});

test('docs/operations.md lists every verdict', () => {
  expect(tableUnder(OPERATIONS, 'Verdicts').map(([name]) => name)).toEqual(VERDICT_NAMES.map((name) => `\`${name}\``));
});

test('docs/operations.md explains every check of `shunt doctor`', async () => {
  const bare = {
    read: () => undefined,
    exists: () => false,
    inode: () => undefined,
    podsTree: () => ({ roots: [], cut: false }),
    cgroupLevel: async () => undefined,
    link: () => undefined,
    processes: () => [],
    features: async () => ({ setRetval: true, atomics: true, socketEnding: 'none' as const, firstResponse: false }),
    selfTest: async () => [],
    attached: async () => [],
  };
  const checks = await examine({ host: bare, cgroup: '', bpfRoot: '/sys/fs/bpf/shunt', netns: '/var/run/netns' });
  expect(tableUnder(OPERATIONS, '`shunt doctor`').map(([name]) => name)).toEqual(
    checks.map(({ name }) => `\`${name}\``),
  );
});

describe('tables of the kernel', () => {
  test('are all listed in docs/architecture.md, with the size of their records', () => {
    const rows = tableUnder(ARCHITECTURE, 'Tables').map(([name, , bytes]) => ({ name, bytes }));
    const wanted = Object.entries(MAPS).map(([name, { type, keySize, valueSize }]) => ({
      name: `\`${name}\``,
      bytes: isHash(type) ? `${keySize} + ${valueSize}` : String(type === RING_BUFFER ? EVENT.size : valueSize),
    }));
    expect(rows.toSorted(byName)).toEqual(wanted.toSorted(byName));
  });

  test('have that size in the sizing of docs/operations.md, too', () => {
    const rows = tableUnder(OPERATIONS, 'Sizing');
    expect(rows.length).toBeGreaterThan(8);
    for (const [name = '', bytes = ''] of rows) {
      const { type, keySize, valueSize } = MAPS[name.replaceAll('`', '') as keyof typeof MAPS];
      const size =
        name === '`connections`' ? valueSize / CONNECTION_WAYS : isHash(type) ? keySize + valueSize : valueSize;
      expect(`${name} ${Number.parseInt(bytes, 10)}`).toBe(`${name} ${size}`);
    }
  });
});

test.each([
  ['Why a message went by TCP', FALLBACK_NAMES],
  ['Why a socket is not redirected to', UNFIT_NAMES.filter((name) => name !== 'not')],
])('docs/redirection.md explains under "%s" every reason that there is', (heading, names) => {
  const rows = tableUnder(read('docs/redirection.md'), heading);
  expect(rows.map(([name]) => name)).toEqual(names.map((name) => `\`${name}\``));
});

test('docs/architecture.md lists every hook, in the order of attaching', () => {
  const hooks = tableUnder(ARCHITECTURE, 'Kernel programs').map(([hook]) => hook);
  expect(hooks).toEqual(PROGRAMS.map(({ hook }) => `\`${hook}\``));
});

test('docs/architecture.md names for each invariant a test that exists', () => {
  const rows = tableUnder(ARCHITECTURE, 'Invariants and the tests that hold them');
  expect(rows.length).toBeGreaterThan(15);
  const missing = rows.filter(([, file = '', title = '']) => !read(file.replaceAll('`', '')).includes(title));
  expect(missing).toEqual([]);
});

test('docs/services.md names for each behaviour a test that exists', () => {
  const rows = tableUnder(read('docs/services.md'), 'Behaviours');
  expect(rows.length).toBeGreaterThan(60);
  const missing = rows.filter(([, , , , file = '', title = '']) => !holdsText(file.replaceAll('`', ''), title));
  expect(missing).toEqual([]);
});

test('CHANGELOG.md has an entry for this version', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(headingsIn(read('CHANGELOG.md')).some((heading) => heading.startsWith(`${version},`))).toBe(true);
});

/** Whole, as a title or as the name of a row that a title shows: part of one would still be there when it says otherwise. */
const holdsText = (path: string, title: string): boolean =>
  ["'", '`'].some((quote) => read(path).includes(`${quote}${title}${quote}`));

/** BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_LRU_HASH. */
const isHash = (type: number): boolean => type === 1 || type === 9;

/** BPF_MAP_TYPE_RINGBUF: it has neither keys nor values, only records. */
const RING_BUFFER = 27;

const byName = (a: { readonly name?: string | undefined }, b: { readonly name?: string | undefined }): number =>
  (a.name ?? '').localeCompare(b.name ?? '');

/** The first group that matched, of every match. */
const found = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, ...groups]) => groups.find((group) => group !== undefined) ?? '');

/** Targets of Markdown links, but for those outside of the repository. */
const linksIn = (text: string): string[] =>
  found(withoutCode(text), /\]\(([^)\s]+)\)/g).filter((target) => !/^[a-z]+:/.test(target));

const leadsSomewhere = (from: string, link: string): boolean => {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? from : normalize(join(dirname(from), path));
  if (!existsSync(target)) return false;
  return anchor === undefined || headingsIn(read(target)).map(anchorOf).includes(anchor);
};

const headingsIn = (text: string): string[] => found(withoutCode(text), /^#{1,6} (.+)$/gm);

/** As GitHub makes them. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/** What stands in backquotes and begins like a path of the repository; built things and patterns are left out. */
const pathsIn = (text: string): string[] =>
  found(text, /`((?:src|bpf|native|test|bench|docs|scripts|bin|deploy|examples|LICENSES)\/[\w./-]*)`/g);

/** `shunt verb --flag ...` between backquotes, and on a line of its own as in a terminal. */
const shuntCommandsIn = (text: string): { readonly verb: string; readonly flags: readonly string[] }[] =>
  found(text, /`(?:bin\/)?(shunt [a-z][^`]*)`|^(?:\$ )?(?:bin\/)?(shunt [a-z].*)$/gm)
    .map((line) => line.split(/ [#&|]/)[0] ?? '')
    .map((line) => ({ verb: line.split(/\s+/)[1] ?? '', flags: found(line, /\s--([a-z-]+)/g) }));

const withoutCode = (text: string): string => text.replace(/^```.*?^```$/gms, '');
