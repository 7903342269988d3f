import { describe, expect, test } from 'vitest';
import { parseQuestion } from '../../../src/cli/question.ts';
import { questionQuery } from '../../../src/web/question.ts';

describe('the explain box', () => {
  test.each(['10.96.0.10:80', '10.96.0.53:53/udp', '[fd00:10:96::a]:80', '[fd00::1]:53/UDP'])(
    'reads %s as `shunt explain` does',
    (text) => {
      const { address, port, protocol } = parseQuestion('explain', text);
      expect(Object.fromEntries(new URLSearchParams(questionQuery(` ${text} `, '')))).toEqual({
        address,
        port: String(port),
        protocol,
      });
    },
  );

  test('asks for a Pod where one is given', () => {
    expect(new URLSearchParams(questionQuery('10.0.0.1:80', ' shop/web ')).get('client')).toBe('shop/web');
  });

  test.each(['', '10.96.0.10', 'fd00::1:80', '10.96.0.10:80/sctp', '10.96.0.10:123456'])(
    'does not ask for “%s”',
    (text) => {
      expect(questionQuery(text, '')).toBeUndefined();
    },
  );
});
