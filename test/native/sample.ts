import { mkdirSync, mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BpfObject, openObject } from '../../src/native/object.ts';

const OBJECTS = join(import.meta.dirname, '..', '..', 'build', 'native', 'test');

/** The bytes of native/test/NAME.bpf.c, compiled. */
export const sampleBytes = (name: 'sample' | 'rejected' | 'sockets'): Uint8Array =>
  new Uint8Array(readFileSync(join(OBJECTS, `${name}.bpf.o`)));

/** The object of native/test/sample.bpf.c in the kernel, after `prepare` had its way with it. */
export const loadSample = (prepare: (object: BpfObject) => void = () => {}): BpfObject => {
  const object = openObject(sampleBytes('sample'), 'sample');
  prepare(object);
  object.load();
  return object;
};

/** A cgroup of the test's own, which must have no processes when it is disposed of. */
export const makeCgroup = (): { readonly path: string } & Disposable => {
  const path = join(cgroupRoot(), `shunt-native-test-${process.pid}`);
  mkdirSync(path);
  return { path, [Symbol.dispose]: () => rmdirSync(path) };
};

/** An empty directory outside of any special file system. */
export const makeDirectory = (): { readonly path: string } & Disposable => {
  const path = mkdtempSync(join(tmpdir(), 'shunt-native-test-'));
  return { path, [Symbol.dispose]: () => rmdirSync(path) };
};

const cgroupRoot = (): string => {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const root = mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1];
  if (root === undefined) throw new Error('no cgroup2 is mounted');
  return root;
};

/** Numbers as the bytes that the kernel has them in. */
export const u32 = (...numbers: number[]): Uint8Array => new Uint8Array(new Uint32Array(numbers).buffer);
export const u64 = (...numbers: number[]): Uint8Array => new Uint8Array(new BigUint64Array(numbers.map(BigInt)).buffer);
