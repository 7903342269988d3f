import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ATOMIC = /^\s*\d+:\s+(?:db|c3) [0-9a-f]{2} [0-9a-f]{2} [0-9a-f]{2} ([0-9a-f ]{11})\s+(.*)$/;

/** BPF_STX | BPF_ATOMIC instructions: what they do is in the last four bytes, all 0 for a plain addition. */
const atomics = (object: string): { readonly operation: string; readonly text: string }[] => {
  return disassembled(object)
    .split('\n')
    .flatMap((line) => {
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

/** Of uapi/linux/bpf.h: bpf_ringbuf_output(), bpf_ringbuf_reserve(). */
const OUTPUT = /call 130$/m;
const RESERVE = /call 131$/m;

test.each(['shunt.bpf.o', 'shunt-5.10.bpf.o'])(
  '%s reserves no room in a ring: older verifiers, as that of Linux 6.1, lose track of it where NULL is asked for twice',
  (object) => {
    const text = disassembled(object);
    expect(text).toMatch(OUTPUT);
    expect(text).not.toMatch(RESERVE);
  },
);

/** A verifier gives up at a million, and older ones look at more: they know less of what is the same. */
const VERIFIED_MAX = 50_000;

test.each([
  ['shunt.bpf.o', 10],
  ['shunt-5.10.bpf.o', 10],
  ['first-response.bpf.o', 1],
] as const)('%s is loaded quickly, and has far to go to the verifier’s limit', (object, programs) => {
  const verified = verifiedInstructions(object);
  expect(verified).toHaveLength(programs);
  expect(Math.max(...verified)).toBeLessThan(VERIFIED_MAX);
});

/** Of each program, how many instructions the verifier has looked at, on all ways through it. */
const verifiedInstructions = (object: string): readonly number[] => {
  const directory = `/sys/fs/bpf/shunt-verified-${process.pid}`;
  mkdirSync(directory);
  try {
    const command = 'bpftool -d prog loadall "$0" "$1" 2>&1 | grep -ao "processed [0-9]* insns"';
    const lines = execFileSync('sh', ['-c', command, pathOf(object), directory], { encoding: 'utf8' });
    return [...lines.matchAll(/processed (\d+) insns/g)].map(([, count]) => Number(count));
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const disassembled = (object: string): string =>
  execFileSync('llvm-objdump', ['-d', pathOf(object)], { encoding: 'utf8' });

const pathOf = (object: string): string => fileURLToPath(new URL(`../../build/bpf/${object}`, import.meta.url));
