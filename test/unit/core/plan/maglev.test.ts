import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { lookupSizeFor, type MaglevMember, maglev } from '../../../../src/core/plan/maglev.ts';

const members = (count: number): readonly MaglevMember[] =>
  Array.from({ length: count }, (_, index) => ({ index, address: `10.1.0.${index}`, port: 8080, weight: 1 }));

/** Clients of the others that move when one goes: the largest share of them, over all that may go. */
const worstRemoval = (all: readonly MaglevMember[]): number => {
  const before = maglev(all);
  return Math.max(
    ...all.map(({ index: gone }) => {
      const after = maglev(all.filter(({ index }) => index !== gone));
      let [others, moved] = [0, 0];
      for (const [at, backend] of before.entries()) {
        if (backend === gone) continue;
        others++;
        if (after[at] !== backend) moved++;
      }
      return moved / others;
    }),
  );
};

test('of a hundred backends any one goes, and at most 2 % of the clients of the others move', () => {
  // Measured: 0.60 %.
  expect(worstRemoval(members(100))).toBeLessThan(0.01);
});

test.each([
  { from: 1, to: 255, size: 65_521 },
  { from: 256, to: 1023, size: 262_139 },
  { from: 1024, to: 4095, size: 1_048_573 },
  { from: 4096, to: 100_000, size: 1_048_573 },
])('$from to $to backends share $size entries', ({ from, to, size }) => {
  expect([lookupSizeFor(from), lookupSizeFor(to)]).toEqual([size, size]);
});

test('of 256 that are listed some are not ready, and the clients of the others stay', () => {
  const all = members(256).map((member, at) => ({ ...member, address: `10.1.${at >> 7}.${at & 127}` }));
  const [before, after] = [maglev(all), maglev(all.slice(0, 250), all.length)];
  const ofOthers = [...before.keys()].filter((at) => (before[at] as number) < 250);
  expect(ofOthers.filter((at) => before[at] !== after[at]).length / ofOthers.length).toBeLessThan(0.02);
});

// Nodes of different versions must agree. A row that fails means that clients move while the cluster is upgraded.
test.each([
  { title: 'equal backends', weights: [1, 1, 1], digest: 'aeaed625ac2b8ba8' },
  { title: 'backends of different weights', weights: [1, 20, 300], digest: '87180f0b93d18ccf' },
])('the table of $title is this one for ever', ({ weights, digest }) => {
  const table = maglev(members(3).map((member, at) => ({ ...member, weight: weights[at] as number })));
  expect(createHash('sha256').update(table).digest('hex').slice(0, 16)).toBe(digest);
});

test('a backend that is due a hundredth of an entry has one, as it has a share of any other choice', () => {
  const [light, heavy] = members(2) as [MaglevMember, MaglevMember];
  const table = maglev([light, { ...heavy, weight: 1_638_100 }]);
  expect(table.filter((index) => index === light.index)).toHaveLength(1);
});

test('nobody has an empty table', () => {
  expect(maglev([])).toHaveLength(0);
});

test('a table is made in some milliseconds', () => {
  maglev(members(60));
  const startedMs = performance.now();
  maglev(members(60));
  // About 8 ms; this allows for a machine that is busy with other tests.
  expect(performance.now() - startedMs).toBeLessThan(200);
});
