import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../../../../src/sources/kubernetes/lines.ts';

const split = (bytes: Buffer, pieceBytes: number, bytesMax = 1000) => {
  const splitter = new LineSplitter(bytesMax);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes)
    lines.push(...splitter.push(bytes.subarray(at, at + pieceBytes)));
  return { lines, isCut: splitter.isCut };
};

describe('lines', () => {
  test.each([1, 2, 3, 7, 1000])('are whole when they come in pieces of %i bytes', (pieceBytes) => {
    const text = '{"a":1}\n{"é":"→𝄞"}\n\n  \r\n\ufffd\nlast\n';
    expect(split(Buffer.from(text), pieceBytes)).toEqual({
      lines: ['{"a":1}', '{"é":"→𝄞"}', '\ufffd', 'last'],
      isCut: false,
    });
  });

  test('without an end are known to be cut', () => {
    expect(split(Buffer.from('one\ntw'), 2)).toEqual({ lines: ['one'], isCut: true });
  });

  test.each([1, 5, 1000])('that are too long are refused, in pieces of %i bytes', (pieceBytes) => {
    expect(split(Buffer.from(`${'x'.repeat(20)}\n`), pieceBytes, 20).lines).toHaveLength(1);
    expect(() => split(Buffer.from('x'.repeat(21)), pieceBytes, 20)).toThrow('a line of more than 20 bytes');
    expect(() => split(Buffer.from(`${'x'.repeat(21)}\n`), pieceBytes, 20)).toThrow('a line of more than 20 bytes');
  });

  test.each([[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x9d]])(
    'of bytes %j are refused: they are no UTF-8',
    (...bytes) => {
      expect(() => split(Buffer.from([...bytes, 10]), 1)).toThrow('no UTF-8');
    },
  );
});
