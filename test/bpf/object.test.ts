import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ATOMIC = /^\s*\d+:\s+(?:db|c3) [0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2} ([0-9a-f ]{11})\s+(.*)$/;

/** BPF_STX | BPF_ATOMIC instructions: what they do is in the last four bytes, all 0 for a plain addition. */
const atomics = (object: string): { readonly operation: string; readonly text: string }[] => {
  const path = fileURLToPath(new URL(`../../build/bpf/${object}`, import.meta.url));
  const lines = execFileSync('llvm-objdump', ['-d', path], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const match = ATOMIC.exec(line);
    return match === null ? [] : [{ operation: match[1] ?? '', text: match[2] ?? '' }];
  });
};

test('the object for kernels before 5.12 has no atomic instruction but addition', () => {
  const found = atomics('shunt-5.10.bpf.o');
  expect(found.length).toBeGreaterThan(10);
  expect(found.filter(({ operation }) => operation !== '00 00 00 00')).toEqual([]);
});

test('the object for later kernels claims places by compare-and-swap', () => {
  expect(atomics('shunt.bpf.o').some(({ text }) => text.includes('cmpxchg'))).toBe(true);
});
