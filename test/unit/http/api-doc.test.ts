import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backendView, EVENT, fakeView, SAMPLING, STATUS } from './fake-view.ts';

const DOCUMENT = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');

/** Names of fields, those of nested records as well. */
const fieldsOf = (data: unknown): string[] => {
  if (Array.isArray(data)) return data.flatMap(fieldsOf);
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, value]) => [name, ...fieldsOf(value)]);
};

const view = fakeView();

test.each([
  { title: 'status', data: STATUS },
  { title: 'services', data: [...view.services()] },
  {
    title: 'backends',
    data: [
      backendView({ arm: 'shop/cart-v2:7070', route: 'TCPRoute shop/canary', variant: 7, clients: 'a=b', family: 4 }),
    ],
  },
  { title: 'events', data: [EVENT, SAMPLING] },
  { title: 'complaints', data: view.complaints() },
])('docs/api.md names every field of $title', ({ data }) => {
  const missing = new Set(fieldsOf(data).filter((name) => !DOCUMENT.includes(`\`${name}\``)));
  expect([...missing]).toEqual([]);
});
