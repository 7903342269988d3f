import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromBytes, parseAddress, specialRange, toBytes } from '../../../../src/core/model/address.ts';

const bytesOf = (address: string): Uint8Array => {
  const bytes = new Uint8Array(16);
  toBytes(address, bytes, 0);
  return bytes;
};

describe('parseAddress', () => {
  test.each([
    ['0.0.0.0', 4, '0.0.0.0'],
    ['10.96.0.10', 4, '10.96.0.10'],
    ['255.255.255.255', 4, '255.255.255.255'],
    ['::', 6, '::'],
    ['::1', 6, '::1'],
    ['1::', 6, '1::'],
    ['FD00:0010:96::0077', 6, 'fd00:10:96::77'],
    ['2001:db8:0:0:1:0:0:1', 6, '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', 6, '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', 6, '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', 6, '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7:8', 6, '1:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', 6, '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', 6, '0:2:3:4:5:6:7:8'],
    ['64:ff9b::10.1.2.3', 6, '64:ff9b::a01:203'],
    ['::1.2.3.4', 6, '::102:304'],
    ['1:2:3:4:5:6:1.2.3.4', 6, '1:2:3:4:5:6:102:304'],
    ['0:0:0:0:ffff:0:0:1', 6, '::ffff:0:0:1'],
  ])('%s is IPv%d address %s', (text, family, canonical) => {
    expect(parseAddress(text)).toEqual({ family, text: canonical });
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '.1.2.3',
    '1.2.3.',
    '256.1.1.1',
    '1.2.3.1000',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.4/32',
    'a.b.c.d',
    '-1.2.3.4',
    '٣.1.2.3',
    ':',
    ':::',
    ':1',
    '1:',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1::2::3',
    '1:::2',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.4.5',
    '::01.2.3.4',
    '1.2.3.4::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1/128',
    '[::1]',
    'fd00::a.1.2.3',
  ])('"%s" is not an address', (text) => {
    expect(parseAddress(text)).toEqual({ problem: `"${text}" is not an IP address` });
  });

  test.each([
    ['010.0.0.1', 'leading zero'],
    ['10.0.0.00', 'leading zero'],
    ['fe80::1%eth0', 'has a zone'],
    ['::ffff:10.96.0.10', 'write "10.96.0.10"'],
    ['::ffff:a60:a', 'write "10.96.0.10"'],
  ])('%s is refused with its reason: %s', (text, reason) => {
    expect(parseAddress(text)).toEqual({ problem: expect.stringContaining(reason) });
  });
});

describe('bytes', () => {
  test('of IPv4 are v4-mapped, as in struct address of bpf/abi.h', () => {
    expect([...bytesOf('10.96.0.10')]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 96, 0, 10]);
  });

  test('are written and read at the offset and nowhere else', () => {
    const bytes = new Uint8Array(20).fill(0xaa);
    toBytes('fd00::1', bytes, 2);
    expect([...bytes]).toEqual([0xaa, 0xaa, 0xfd, ...new Array(14).fill(0), 1, 0xaa, 0xaa]);
    expect(fromBytes(bytes, 2)).toBe('fd00::1');
  });

  test('of a v4-mapped spelling are those of the IPv4 address', () => {
    expect(bytesOf('::ffff:10.96.0.10')).toEqual(bytesOf('10.96.0.10'));
  });

  test('are refused for what is no address', () => {
    expect(() => bytesOf('10.96.0')).toThrow(RangeError);
  });

  test('make the same address again, whichever bytes they are', () => {
    const zeros = fc.array(fc.constantFrom(0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 });
    const any = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(
        fc.oneof(
          any,
          zeros.map((values) => Uint8Array.from(values)),
        ),
        (bytes) => {
          const text = fromBytes(bytes, 0);
          expect(bytesOf(text)).toEqual(bytes);
          expect(parseAddress(text)).toEqual({ family: text.includes(':') ? 6 : 4, text });
        },
      ),
    );
  });

  test('have one canonical text, which the parser of URLs agrees with', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const parsed = parseAddress(text);
        const expected = new URL(`http://[${text}]/`).hostname.slice(1, -1);
        if ('problem' in parsed) {
          expect(expected).toMatch(/^::ffff:[0-9a-f]+:[0-9a-f]+$/);
        } else {
          expect(parsed.text).toBe(expected);
        }
      }),
    );
  });
});

describe('specialRange', () => {
  test.each([
    ['0.0.0.0', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['febf:ffff::1', 'link-local'],
    ['ff02::1', 'multicast'],
  ])('%s is %s', (address, range) => {
    expect(specialRange(address)).toContain(range);
  });

  test.each([
    '0.0.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '169.253.0.1',
    '169.255.0.1',
    '223.255.255.255',
    '240.0.0.1',
    '10.0.0.1',
    '::2',
    'fec0::1',
    'fd00::1',
    '2001:db8::1',
  ])('%s is an ordinary address', (address) => {
    expect(specialRange(address)).toBeUndefined();
  });
});
