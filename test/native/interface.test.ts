import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTACH_TYPES } from '../../src/native/attach-type.ts';
import { findLibrary } from '../../src/native/library.ts';
import { PROTOTYPES } from '../../src/native/shim.ts';

const root = join(import.meta.dirname, '..', '..');
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('what TypeScript believes of C', () => {
  it('has every call of shim.h, word for word', () => {
    const declared = [...text('native/shim.h').matchAll(/^SHUNT_API ([^;]+);/gm)].map((match) =>
      (match[1] ?? '').replace(/\s+/g, ' '),
    );
    expect(declared.length).toBeGreaterThan(30);
    expect(Object.values(PROTOTYPES).toSorted()).toEqual(declared.toSorted());
  });

  it('finds each of them in the library, and the library shows nothing else', () => {
    const shown = execFileSync('nm', ['-D', '--defined-only', '--format=posix', findLibrary()], { encoding: 'utf8' });
    const symbols = shown
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    const called = Object.values(PROTOTYPES).map((prototype) => /(shunt_\w+)\(/.exec(prototype)?.[1]);
    expect(symbols.toSorted()).toEqual(called.toSorted());
  });

  it('numbers attach types as linux/bpf.h does', () => {
    const list = /enum bpf_attach_type \{([^}]+)\}/.exec(readFileSync('/usr/include/linux/bpf.h', 'utf8'))?.[1] ?? '';
    const names = list.split(',').map((name) => name.trim());
    const kernelNames = {
      sockops: 'BPF_CGROUP_SOCK_OPS',
      connect4: 'BPF_CGROUP_INET4_CONNECT',
      connect6: 'BPF_CGROUP_INET6_CONNECT',
      sendmsg4: 'BPF_CGROUP_UDP4_SENDMSG',
      sendmsg6: 'BPF_CGROUP_UDP6_SENDMSG',
      recvmsg4: 'BPF_CGROUP_UDP4_RECVMSG',
      recvmsg6: 'BPF_CGROUP_UDP6_RECVMSG',
      getpeername4: 'BPF_CGROUP_INET4_GETPEERNAME',
      getpeername6: 'BPF_CGROUP_INET6_GETPEERNAME',
      getsockname4: 'BPF_CGROUP_INET4_GETSOCKNAME',
      getsockname6: 'BPF_CGROUP_INET6_GETSOCKNAME',
      sock_release: 'BPF_CGROUP_INET_SOCK_RELEASE',
    };
    const numbers = Object.entries(kernelNames).map(([ours, theirs]) => [ours, names.indexOf(theirs)]);
    expect(ATTACH_TYPES).toEqual(Object.fromEntries(numbers));
  });
});

describe('the library is found', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'shunt-library-'));
    mkdirSync(join(directory, 'build', 'native'), { recursive: true });
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('where SHUNT_SHIM says, whatever else there is', () => {
    expect(findLibrary({ SHUNT_SHIM: '/opt/libshunt.so' }, root)).toBe('/opt/libshunt.so');
  });

  it('in the build directory of the package', () => {
    const place = join(directory, 'build', 'native', 'libshunt.so');
    writeFileSync(place, '');
    expect(findLibrary({}, directory)).toBe(place);
  });

  it('or not at all, and the error names the places', () => {
    const call = () => findLibrary({ SHUNT_SHIM: '' }, '/nowhere');
    expect(call).toThrow(
      'cannot load the native library: not found: /nowhere/build/native/libshunt.so, /usr/lib/shunt/libshunt.so',
    );
  });

  it.each([
    ['is no library', () => join(root, 'package.json'), /^SHUNT_E_SHIM_LOAD .*package\.json: /],
    ['is another library', () => 'libc.so.6', /^SHUNT_E_SHIM_LOAD .*libc\.so\.6: .*shunt_abi_version/],
    [
      'has another version',
      () => compile(directory, 'int shunt_abi_version(void) { return 99; }'),
      /version 99, .* needs 7/,
    ],
  ])('and refused when it %s', (_, library, message) => {
    expect(firstErrorWith(library())).toMatch(message);
  });
});

const compile = (directory: string, source: string): string => {
  const library = join(directory, 'other.so');
  execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', library, '-'], { input: source });
  return library;
};

/** In a process of its own: a library is loaded once in each. */
const firstErrorWith = (library: string): string => {
  const script = `
    const { possibleCpus } = await import(${JSON.stringify(join(root, 'src/native/system.ts'))});
    try { possibleCpus(); } catch (error) { console.log(error.code, error.message); }`;
  const environment = { ...process.env, SHUNT_SHIM: library };
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: environment });
};
