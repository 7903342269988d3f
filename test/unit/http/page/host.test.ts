import { describe, expect, test } from 'vitest';
import { admitHost } from '../../../../src/http/page/host.ts';
import { ask } from '../ask.ts';
import { fakeView } from '../fake-view.ts';
import { servePage } from '../serve-page.ts';

describe('whoever asks', () => {
  test.each(['localhost', 'LOCALHOST:9000', '127.0.0.1:1', '[::1]:10378', '10.0.0.7:10378', 'node-1:10378'])(
    'and calls it %s is answered',
    async (host) => {
      expect((await ask(await servePage(fakeView(), { hostName: 'node-1' }), '/', { headers: { host } })).status).toBe(
        200,
      );
    },
  );

  test.each(['evil.example', 'evil.example:10378', 'localhost.evil.example', '127.0.0.1.evil.example', 'node-1:80:80'])(
    'and calls it “%s” gets nothing: a name may lead here from elsewhere',
    async (host) => {
      const { status, body } = await ask(await servePage(fakeView(), { hostName: 'node-1' }), '/api/overview', {
        headers: { host },
      });
      expect(status).toBe(403);
      expect(JSON.parse(body).error.code).toBe('SHUNT_E_HTTP_HOST');
    },
  );

  test.each([{}, { host: '' }, { host: ':80' }])('and calls it nothing gets nothing: %o', (headers) => {
    for (const ownName of ['', 'node-1'])
      expect(() => admitHost({ headers }, ownName)).toThrow(expect.objectContaining({ code: 'SHUNT_E_HTTP_HOST' }));
  });

  test.each([
    { site: 'none', mode: 'navigate', path: '/', status: 200 },
    { site: 'none', mode: 'navigate', path: '/api/overview', status: 200 },
    { site: 'cross-site', mode: 'navigate', path: '/', status: 200 },
    { site: 'cross-site', mode: 'navigate', path: '/api/overview', status: 403 },
    { site: 'same-origin', mode: 'cors', path: '/api/overview', status: 200 },
    { site: 'cross-site', mode: 'no-cors', path: '/', status: 403 },
    { site: 'same-site', mode: 'cors', path: '/', status: 403 },
  ])('from a $site page by $mode for $path gets $status', async ({ site, mode, path, status }) => {
    const headers = { 'sec-fetch-site': site, 'sec-fetch-mode': mode };
    expect((await ask(await servePage(), path, { headers })).status).toBe(status);
  });

  test('from a page of another origin, by an address of which browsers do not say more, gets nothing', async () => {
    const headers = { host: '10.0.0.7:10378', origin: 'http://evil.example' };
    expect((await ask(await servePage(), '/api/overview', { headers })).status).toBe(403);
  });
});
