import { expect, test } from 'vitest';
import { nextGeneration } from '../../../../src/core/plan/have.ts';
import { identityKey, identityOf } from '../../../../src/core/plan/identity.ts';

// These lie in the kernel memory of running nodes. A row that fails means that every Service would look new to them.
test.each([
  { id: '', key: 'c75b73be13252f38' },
  { id: 'shop/web/http/TCP', key: '800c3691799b5b91' },
  { id: 'shop/web/http/UDP', key: 'd6e41d17341b9078' },
])('the identity of "$id" is $key for ever', ({ id, key }) => {
  expect(identityKey(identityOf(id))).toBe(key);
});

test('a hundred thousand ports have a hundred thousand identities', () => {
  const keys = new Set<string>();
  for (let at = 0; at < 100_000; at++)
    keys.add(identityKey(identityOf(`namespace-${at % 100}/service-${at}/http/TCP`)));
  expect(keys.size).toBe(100_000);
});

test('generations wrap around and stay odd in use, even when free', () => {
  expect(nextGeneration(0)).toBe(1);
  expect(nextGeneration(0x7fff_ffff)).toBe(0x8000_0000);
  expect(nextGeneration(0xffff_ffff)).toBe(0);
});
