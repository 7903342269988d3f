import { describe, expect, test } from 'vitest';
import * as verbs from '../../../src/cli/numbers.ts';
import {
  bytes,
  count,
  duration,
  figure,
  latency,
  percent,
  plural,
  portText,
  socketText,
} from '../../../src/web/figures.ts';

describe('figures of the page', () => {
  test.each([
    [undefined, '–'],
    [0, '0'],
    [0.04, '< 0.1'],
    [0.26, '0.3'],
    [9.94, '9.9'],
    [9.96, '10'],
    [999.4, '999'],
    [999.6, '1 k'],
    [1234, '1.2 k'],
    [5e12, '5000 G'],
  ])('%s is %s', (value, shown) => expect(figure(value)).toBe(shown));

  test.each([
    [850, '850 µs'],
    [1200, '1.2 ms'],
    [34e6, '34 s'],
    [undefined, '–'],
  ])('%s microseconds are %s', (us, shown) => expect(latency(us)).toBe(shown));

  test.each([
    [0, '0 B'],
    [1500, '1.5 kB'],
    [12e6, '12 MB'],
  ])('%s bytes are %s', (value, shown) => expect(bytes(value)).toBe(shown));

  test.each([
    [undefined, '–'],
    [0, '0 %'],
    [1, '100 %'],
    [1 / 3, '33.3 %'],
    [0.00001, '< 0.01 %'],
    [0.99999, '> 99.99 %'],
    [0.0025, '0.25 %'],
  ])('a share of %s is %s', (share, shown) => expect(percent(share)).toBe(shown));

  test.each([
    [0, '0 s'],
    [59_400, '59 s'],
    [120_000, '2 min'],
    [125_000, '2 min 5 s'],
    [12_000_000, '3 h 20 min'],
    [1_052_000_000, '12 d 4 h'],
  ])('%i ms are %s', (ms, shown) => expect(duration(ms)).toBe(shown));

  test('counts have all of their digits, and nouns their plural', () => {
    expect([count(1234567), plural(1, 'error'), plural(0, 'error'), plural(2000, 'error')]).toEqual([
      '1,234,567',
      '1 error',
      '0 errors',
      '2,000 errors',
    ]);
  });

  test('shares, counts and sockets look as those of the verbs', () => {
    const shares = Array.from({ length: 2001 }, (_, at) => at / 2000);
    for (const share of [...shares, 1e-5, 1e-4, 1.5e-4, 0.00999, 0.99001, 0.99989, 0.99991])
      expect(percent(share), String(share)).toBe(verbs.percent(share));
    for (const value of [0, 999, 1000, 1234567]) expect(count(value)).toBe(verbs.count(value));
    for (const address of ['10.0.0.1', 'fd00::1']) expect(socketText(address, 80)).toBe(verbs.socketText(address, 80));
  });

  test('a Service port has its protocol where that is not TCP', () => {
    const port = { namespace: 'kube-system', service: 'kube-dns', port: 53 };
    expect([portText({ ...port, protocol: 'TCP' }), portText({ ...port, protocol: 'UDP' })]).toEqual([
      'kube-system/kube-dns:53',
      'kube-system/kube-dns:53/udp',
    ]);
  });

  test('an IPv6 address has brackets before its port', () => {
    expect([socketText('10.0.0.1', 80), socketText('fd00::1', 80)]).toEqual(['10.0.0.1:80', '[fd00::1]:80']);
  });
});
