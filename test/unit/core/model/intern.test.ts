import { expect, test } from 'vitest';
import { createIntern } from '../../../../src/core/model/intern.ts';

test('equal texts stay equal, before and after the table was full', () => {
  const intern = createIntern(2);
  const texts = ['node-a', 'node-b', 'node-c', 'node-a', '', 'node-c'];
  expect(texts.map(intern)).toEqual(texts);
});
