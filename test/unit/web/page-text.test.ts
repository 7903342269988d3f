import { describe, expect, test } from 'vitest';
import { parseQuestion } from '../../../src/cli/question.ts';
import { minutesOf } from '../../../src/web/minutes.ts';
import { placeOf, serviceIn } from '../../../src/web/place.ts';
import { questionQuery } from '../../../src/web/question.ts';
import type { SeriesName } from '../../../src/web/wire.ts';

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

test('the address of the page names the Service port that is looked at', () => {
  expect(serviceIn(placeOf('shop/cart/http/TCP'))).toBe('shop/cart/http/TCP');
  expect(serviceIn(placeOf('shop/cart//UDP'))).toBe('shop/cart//UDP');
  expect(['', '#all', '#main'].map(serviceIn)).toEqual([undefined, undefined, undefined]);
});

test('charts as a table are means of each minute, the last one first, without what nobody saw', () => {
  const nothing = Array.from({ length: 180 }, () => null);
  const connections = Array.from({ length: 180 }, (_, step) => (step < 150 ? null : step < 168 ? 2 : step - 168));
  const names: readonly SeriesName[] = [
    'failed',
    'rejected',
    'datagrams',
    'sent',
    'received',
    'connectP50Us',
    'connectP99Us',
  ];
  const rest = Object.fromEntries(names.map((name) => [name, nothing]));
  const series = { ...rest, connections } as Record<SeriesName, (number | null)[]>;
  expect(minutesOf(series, 5000)).toEqual([
    { back: 1, values: { connections: 5.5 } },
    { back: 2, values: { connections: 2 } },
    { back: 3, values: { connections: 2 } },
  ]);
});
