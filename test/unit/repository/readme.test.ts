import { expect, test } from 'vitest';
import { ACTS } from '../../../src/demo/story.ts';
import { verdictText } from '../../../src/demo/words.ts';
import { readOnce } from '../../../src/sources/file.ts';
import { README, shownClaims, shownOutput, wordsOf } from '../../helpers/readme.ts';
import { shunt } from '../cli/harness.ts';

const PARTS = { readObjects: readOnce };

test('README.md shows each claim of `shunt demo`, in its order, and the words of its end', () => {
  expect(shownClaims().map(({ name }) => name)).toEqual(ACTS.map(({ name }) => name));
  const held = ACTS.map(() => ({ holds: true }));
  expect(wordsOf(README).split('\n')).toContain(wordsOf(verdictText(held, 34_000, false)));
});

test('README.md shows what `shunt plan` prints of examples/objects', async () => {
  const { status, stdout, stderr } = await shunt(['plan', '--source', 'file:examples/objects'], { parts: PARTS });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(shownOutput('bin/shunt plan --source file:examples/objects')).toBe(stdout);
});

test('README.md shows what `shunt explain` says of them when the kernel agrees', async () => {
  const argv = ['explain', '10.96.0.10:80', '--source', 'file:examples/objects'];
  const { status, stdout } = await shunt(argv, { parts: PARTS });
  expect(status).toBe(0);
  const shown = shownOutput('bin/shunt explain 10.96.0.10:80 --socket /run/shunt/try.sock');
  expect(shown).toBe(`${stdout}\nThe kernel's tables say the same.\n`);
});
