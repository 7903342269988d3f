import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { errorEvent, refusal, retryAfter } from '../../../../src/sources/kubernetes/answer.ts';
import { isLasting, troubleOf } from '../../../../src/sources/kubernetes/trouble.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const SERVICES = { name: 'services', apiVersion: 'v1', kind: 'Service', path: '/api/v1/services', isNamespaced: true };
const SLICES = { ...SERVICES, name: 'endpointslices', apiVersion: 'discovery.k8s.io/v1' };

test.each([
  ['5', 5000],
  [' 0 ', 0],
  ['Thu, 01 Jan 2026 12:00:07 GMT', 7000],
  ['Thu, 01 Jan 2026 11:59:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
])('Retry-After: %s is to wait for %s ms', (header, waitMs) => {
  expect(retryAfter(header, NOW_MS)).toBe(waitMs);
});

const answered = (status: number, body: unknown = {}, headers = {}) =>
  refusal(
    { status, headers, body: Readable.from([Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))]) },
    NOW_MS,
  );

describe('an answer of', () => {
  test.each([
    { status: 401, reason: 'status_401', code: 'SHUNT_E_API_UNAUTHORIZED', lasting: false },
    { status: 403, reason: 'status_403', code: 'SHUNT_E_API_FORBIDDEN', lasting: true },
    { status: 404, reason: 'status_404', code: 'SHUNT_E_API_NOT_FOUND', lasting: true },
    { status: 410, reason: 'expired', code: 'SHUNT_E_API_ANSWER', lasting: false },
    { status: 429, reason: 'status_429', code: 'SHUNT_E_API_ANSWER', lasting: false },
    { status: 418, reason: 'status_4xx', code: 'SHUNT_E_API_ANSWER', lasting: false },
    { status: 302, reason: 'status_4xx', code: 'SHUNT_E_API_ANSWER', lasting: false },
    { status: 500, reason: 'status_5xx', code: 'SHUNT_E_API_ANSWER', lasting: false },
    { status: 503, reason: 'status_5xx', code: 'SHUNT_E_API_ANSWER', lasting: false },
  ])('$status is $reason and said as $code', async ({ status, reason, code, lasting }) => {
    const ending = await answered(status, { message: 'because' });
    expect(ending).toMatchObject({ reason, status, message: `${status} because` });
    expect(troubleOf(ending, SERVICES, 'https://server')).toMatchObject({ code });
    expect(isLasting(ending)).toBe(lasting);
  });

  test('a proxy that speaks no JSON is quoted, one line of it', async () => {
    expect((await answered(502, 'Bad Gateway\n<html>')).message).toBe('502 Bad Gateway');
  });

  test('an endless error is not read to its end', async () => {
    const body = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(10_000, 'x');
      })(),
    );
    expect((await refusal({ status: 500, headers: {}, body }, NOW_MS)).message).toHaveLength(204);
  });

  test('says when to ask again, in its head or in its body', async () => {
    expect((await answered(429, {}, { 'retry-after': '3' })).retryAfterMs).toBe(3000);
    expect((await answered(504, { details: { retryAfterSeconds: 2 } })).retryAfterMs).toBe(2000);
  });

  test.each([
    { message: 'Too large resource version: 9, current: 7' },
    { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
  ])('504 with %j says that the server is behind', async (body) => {
    expect((await answered(504, body)).isAhead).toBe(true);
    expect((await answered(504, { message: 'timeout', details: { causes: 1 } })).isAhead).toBe(false);
  });
});

test.each([
  [{ code: 410 }, 'expired'],
  [{ code: 500, reason: 'Expired' }, 'expired'],
  [{ code: 500 }, 'error_event'],
  [{ code: 401 }, 'error_event'],
  [{}, 'error_event'],
  [null, 'error_event'],
])('an event of type ERROR with %j is %s', (object, reason) => {
  expect(errorEvent(object).reason).toBe(reason);
});

test('what may not be read is named with its API group, as a role must name it', async () => {
  const forbidden = await answered(403, { message: 'endpointslices is forbidden' });
  expect(troubleOf(forbidden, SLICES, 'https://server')).toMatchObject({
    message: 'may not read endpointslices from https://server: 403 endpointslices is forbidden',
    help: expect.stringContaining('list and watch on endpointslices in the API group "discovery.k8s.io"'),
  });
  expect(troubleOf(forbidden, SERVICES, 'https://server').help).toContain('in the API group ""');
});

test.each([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
])('%s is said to be a matter of trust, at once', (code) => {
  const error = Object.assign(new Error('refused'), { code });
  expect(troubleOf(error, SERVICES, 'https://server').code).toBe('SHUNT_E_API_TLS');
  expect(isLasting(error)).toBe(true);
});

test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND'])('%s is said to be out of reach', (code) => {
  const error = Object.assign(new Error(`connect ${code}`), { code });
  expect(troubleOf(error, SERVICES, 'https://server').code).toBe('SHUNT_E_API_UNREACHABLE');
  expect(isLasting(error)).toBe(false);
});
