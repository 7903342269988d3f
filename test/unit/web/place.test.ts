import { expect, test } from 'vitest';
import { placeOf, serviceIn } from '../../../src/web/place.ts';

test('the address of the page names the Service port that is looked at', () => {
  expect(serviceIn(placeOf('shop/cart/http/TCP'))).toBe('shop/cart/http/TCP');
  expect(serviceIn(placeOf('shop/cart//UDP'))).toBe('shop/cart//UDP');
  expect(['', '#all', '#main'].map(serviceIn)).toEqual([undefined, undefined, undefined]);
});
