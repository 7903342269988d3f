import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesWildcard } from '../../../../src/core/desire/wildcard.ts';

it.each<[pattern: string, text: string, matches: boolean]>([
  ['web-1', 'web-1', true],
  ['web-1', 'web-10', false],
  ['web-1', 'web-', false],
  ['', '', true],
  ['', 'web', false],
  ['*', '', true],
  ['*', 'web', true],
  ['web-*', 'web-', true],
  ['web-*', 'web-canary-7', true],
  ['web-*', 'my-web-1', false],
  ['*-canary', 'web-canary', true],
  ['*-canary', 'web-canary-2', false],
  ['*-canary', 'web-canary-canary', true],
  ['web-*-1', 'web-canary-1', true],
  ['web-*-1', 'web-1', false],
  ['*a*b*', 'xxbxaxb', true],
  ['*a*b*', 'xxbxa', false],
  ['**', 'web', true],
  ['w.b', 'web', false],
])('%j against %j is %s', (pattern, text, matches) => {
  expect(matchesWildcard(text, pattern)).toBe(matches);
});

it('answers as the regular expression that is written the same way', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
  fc.assert(
    fc.property(letters, text, (pattern, candidate) => {
      const reference = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
      expect(matchesWildcard(candidate, pattern)).toBe(reference.test(candidate));
    }),
  );
});

it('does not take exponential time on patterns with many stars', () => {
  expect(matchesWildcard('a'.repeat(5000), `${'*a'.repeat(50)}*b`)).toBe(false);
});
