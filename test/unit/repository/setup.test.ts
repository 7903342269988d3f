import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { debianPackages } from './debian-packages.ts';

/** scripts/setup in a checkout of its own, with stand-ins for the tools that would change the machine. */
let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'shunt-setup-'));
  for (const path of ['scripts/setup', 'package.json', 'package-lock.json', '.npmrc']) {
    cpSync(path, join(checkout, path));
  }
  mkdirSync(join(checkout, 'bin'));
  tool('id', 'echo 0');
  tool('apt-get', `echo "apt-get $*" >>calls`);
  tool('npm', `echo "npm $1" >>calls; mkdir -p node_modules/.bin ${NODE}/bin; touch ${NODE}/bin/node`);
  debianHas((packages) => packages);
});

afterEach(() => rmSync(checkout, { recursive: true, force: true }));

describe('scripts/setup', () => {
  test('installs the npm packages once, and Node as a command', () => {
    expect(setup()).toMatchObject({ status: 0, calls: ['npm ci'] });
    expect(existsSync(join(checkout, 'node_modules/.bin/node'))).toBe(true);
    expect(setup()).toMatchObject({ status: 0, stdout: '', calls: ['npm ci'] });
  });

  test.each(['package.json', 'package-lock.json'])('installs them again when %s has changed', (path) => {
    setup();
    writeFileSync(join(checkout, path), `${readFileSync(path, 'utf8')}\n`);
    expect(setup().calls).toEqual(['npm ci', 'npm ci']);
  });

  test('installs exactly the Debian packages that are missing, also when Debian has never heard of one', () => {
    debianHas((packages) => packages.filter((name) => name !== 'clang' && name !== 'nftables'));
    const { status, stdout, calls } = setup();
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringContaining('apt: clang nftables\n') });
    expect(calls[0]).toMatch(/^apt-get .*update$/);
    expect(calls[1]).toMatch(/^apt-get .*install --no-install-recommends clang nftables$/);
  });

  test('starts no service while it installs, and leaves alone who else decides that', () => {
    debianHas((packages) => packages.filter((name) => name !== 'nginx'));
    const policy = join(checkout, 'policy');
    tool('apt-get', `case "$*" in *' install '*) cat policy >>calls; ./policy; [ $? = 101 ];; esac`);
    expect(setup()).toMatchObject({ status: 0, calls: ['#!/bin/sh', 'exit 101', 'npm ci'] });
    expect(existsSync(policy)).toBe(false);
    writeFileSync(policy, '#!/bin/sh\necho >own\nexit 101\n', { mode: 0o755 });
    expect(setup()).toMatchObject({ status: 0, calls: expect.arrayContaining(['echo >own']) });
    expect(existsSync(policy)).toBe(true);
  });

  test('installs the packages that it is given besides', () => {
    debianHas((packages) => packages.filter((name) => name !== 'llvm'));
    expect(setup('crun').calls[1]).toMatch(/ install --no-install-recommends llvm crun$/);
  });

  test('says what is missing and changes nothing when it is not root', () => {
    tool('id', 'echo 1000');
    debianHas((packages) => packages.filter((name) => name !== 'llvm'));
    expect(setup()).toMatchObject({ status: 1, stderr: expect.stringMatching(/root.* install llvm/), calls: [] });
  });

  test('shows what a failed installation printed', () => {
    tool('npm', 'echo "no such lock" >&2; exit 3');
    expect(setup()).toMatchObject({ status: 1, stderr: expect.stringContaining('no such lock') });
  });
});

const NODE = 'node_modules/node-linux-any';

const setup = (
  ...more: readonly string[]
): { status: number | null; stdout: string; stderr: string; calls: string[] } => {
  const { status, stdout, stderr } = spawnSync(join(checkout, 'scripts/setup'), more, {
    encoding: 'utf8',
    env: { PATH: `${join(checkout, 'bin')}:/usr/bin:/bin`, SERVICE_POLICY: join(checkout, 'policy') },
  });
  const log = join(checkout, 'calls');
  return { status, stdout, stderr, calls: existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [] };
};

/** Like dpkg-query, which fails when it does not know one of the names. */
const debianHas = (installed: (asked: readonly string[]) => readonly string[]): void => {
  const asked = debianPackages();
  const known = installed(asked);
  tool('dpkg-query', `printf '%s installed\\n' ${known.join(' ')}; exit ${known.length < asked.length ? 1 : 0}`);
};

const tool = (name: string, script: string): void => {
  const path = join(checkout, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
};
