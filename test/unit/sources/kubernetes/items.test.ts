import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BadContent } from '../../../../src/sources/kubernetes/ending.ts';
import { ItemScanner } from '../../../../src/sources/kubernetes/items.ts';

const MAX = 1 << 20;

/** Reads a document in pieces of that many bytes. */
const scan = (text: string, pieceBytes = MAX, itemBytesMax = MAX) => {
  const scanner = new ItemScanner(itemBytesMax);
  const items: unknown[] = [];
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    scanner.push(bytes.subarray(at, at + pieceBytes), (item) => items.push(item));
  }
  const version = scanner.finish((item) => items.push(item));
  return { items, version };
};

const AWKWARD = { name: 'a"b\\', text: '"}]\\{ é→𝄞 ,"items":[{', deep: [[{ items: [1, { metadata: {} }] }]], '': null };

describe('the items of a list', () => {
  test.each([
    {
      where: 'behind its metadata',
      text: '{"kind":"List","metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":2}]}',
    },
    {
      where: 'before its metadata',
      text: '{"items":[{"a":1},{"b":2}],"kind":"List","metadata":{"resourceVersion":"7"}}',
    },
    {
      where: 'among fields that nobody knows',
      text: '{"more":{"items":[{"x":9}]},"items":[{"a":1},{"b":2}],"n":-1.5e3,"t":true,"l":[1,[2]],"metadata":{"continue":"","resourceVersion":"7"}}',
    },
    {
      where: 'with blanks everywhere',
      text: ' {\n\t"metadata" : { "resourceVersion" : "7" } ,\r\n "items" : [ { "a" : 1 } ,\n { "b" : 2 } ] }\n',
    },
  ])('are found $where, in pieces of any size', ({ text }) => {
    for (const pieceBytes of [1, 2, 3, 5, 8, 13, text.length]) {
      expect(scan(text, pieceBytes)).toEqual({ items: [{ a: 1 }, { b: 2 }], version: '7' });
    }
  });

  test.each(['[]', ' [ ] ', 'null'])('may be none: %s', (none) => {
    expect(scan(`{"metadata":{"resourceVersion":"7"},"items":${none}}`)).toEqual({ items: [], version: '7' });
  });

  test('may hold all that confuses who looks for brackets and quotes', () => {
    const text = JSON.stringify({ items: [AWKWARD, AWKWARD], metadata: { resourceVersion: '7' } });
    for (let pieceBytes = 1; pieceBytes < 40; pieceBytes++) {
      expect(scan(text, pieceBytes).items).toEqual([AWKWARD, AWKWARD]);
    }
  });

  test('are those of JSON.parse, whatever they hold and however they are cut', () => {
    const key = fc.oneof(fc.constantFrom('metadata', 'a'), fc.string());
    const item = fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.array(fc.dictionary(key, fc.jsonValue()))));
    fc.assert(
      fc.property(fc.array(item), fc.integer({ min: 1, max: 64 }), fc.boolean(), (items, pieceBytes, first) => {
        const metadata = { resourceVersion: '7' };
        const text = JSON.stringify(first ? { metadata, items } : { items, metadata });
        expect(scan(text, pieceBytes).items).toEqual((JSON.parse(text) as { items: unknown }).items);
      }),
    );
  });

  test.each([
    { what: 'no object', text: '[{"a":1}]' },
    { what: 'a number', text: '1' },
    { what: 'nothing', text: '' },
    { what: 'blanks', text: '  ' },
    { what: 'no items', text: '{"kind":"Status","metadata":{"resourceVersion":"7"}}' },
    { what: 'no version', text: '{"metadata":{},"items":[]}' },
    { what: 'no metadata', text: '{"items":[]}' },
    { what: 'a version that is a number', text: '{"metadata":{"resourceVersion":7},"items":[]}' },
    { what: 'an item that is a number', text: '{"metadata":{"resourceVersion":"7"},"items":[1]}' },
    { what: 'an item that is a string', text: '{"metadata":{"resourceVersion":"7"},"items":["a"]}' },
    { what: 'an item that is a list', text: '{"metadata":{"resourceVersion":"7"},"items":[[]]}' },
    { what: 'a second list behind it', text: '{"metadata":{"resourceVersion":"7"},"items":[]}{}' },
    { what: 'metadata that is no JSON', text: '{"metadata":{a},"items":[]}' },
  ])('of $what are refused', ({ text }) => {
    expect(() => scan(text)).toThrow(BadContent);
  });

  test('of a list that ends anywhere before its end are refused', () => {
    const text = JSON.stringify({ metadata: { resourceVersion: '7' }, items: [AWKWARD] });
    for (let length = 0; length < text.length; length++) expect(() => scan(text.slice(0, length))).toThrow(BadContent);
  });

  test('are refused when one is too long, before it has come whole', () => {
    const text = `{"metadata":{"resourceVersion":"7"},"items":[{"a":"${'x'.repeat(100)}"}]}`;
    expect(() => scan(text, 10, 64)).toThrow('an item of more than 64 bytes');
    expect(scan(text, 10, 128).items).toHaveLength(1);
  });

  test('are refused when they are no UTF-8', () => {
    const scanner = new ItemScanner(MAX);
    const bytes = Buffer.concat([Buffer.from('{"items":[{"a":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}]}')]);
    expect(() => {
      scanner.push(bytes, () => {});
      scanner.finish(() => {});
    }).toThrow('no UTF-8');
  });

  test('are told as they come, and no more than one is held back', () => {
    const scanner = new ItemScanner(MAX);
    const items: object[] = [];
    scanner.push(Buffer.from('{"items":[{"a":1},{"a":2},{"a":3}'), (item) => items.push(item));
    expect(items).toHaveLength(3);
    scanner.push(Buffer.from(',{"a":{"b":4}'), (item) => items.push(item));
    expect(items).toHaveLength(3);
    scanner.push(Buffer.from('},{"a":'), (item) => items.push(item));
    expect(items.at(-1)).toEqual({ a: { b: 4 } });
  });

  test.each([
    { what: 'parts that begin as items do', item: { a: [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }, { a: 6 }] } },
    { what: 'more bytes than are held back', item: { a: 'x'.repeat(300_000), b: [{ a: 1 }, { a: 2 }] } },
  ])('may have $what', ({ item }) => {
    const list = { items: [item, { b: 1 }, item, { a: 1 }, item], metadata: { resourceVersion: '7' } };
    for (const pieceBytes of [1000, 65_536, MAX]) {
      expect(scan(JSON.stringify(list), pieceBytes)).toEqual({ items: list.items, version: '7' });
    }
  });
});
