import { chmodSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inCluster, serviceAccount } from '../../../../src/sources/kubernetes/access.ts';
import type { Access } from '../../../../src/sources/kubernetes/client.ts';
import { kubeconfig } from '../../../../src/sources/kubernetes/kubeconfig.ts';

let directory: string;
const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/shunt-access-`);
});
afterEach(() => rmSync(directory, { recursive: true }));

const authorization = async (access: Access, fresh = false) => (await access.credentials(fresh)).authorization;

describe('a service account', () => {
  beforeEach(() => {
    write('ca.crt', 'CA');
    write('token', 'first\n');
  });
  const open = (tokenMaxAgeMs?: number) =>
    serviceAccount({ server: 'https://server', directory, ...(tokenMaxAgeMs === undefined ? {} : { tokenMaxAgeMs }) });

  test('has the token of its file, without what surrounds it', async () => {
    expect(await authorization(open())).toBe('Bearer first');
  });

  test.each([
    { when: 'within a minute is the one that was read', maxAgeMs: 60_000, fresh: false, token: 'first' },
    { when: 'after that is read again', maxAgeMs: -1, fresh: false, token: 'second' },
    { when: 'that was refused is read again at once', maxAgeMs: 60_000, fresh: true, token: 'second' },
  ])('a token $when', async ({ maxAgeMs, fresh, token }) => {
    const access = open(maxAgeMs);
    await access.credentials(false);
    write('token', 'second');
    expect(await authorization(access, fresh)).toBe(`Bearer ${token}`);
  });

  test('trust is the same object until the file is another one', async () => {
    const access = open();
    const { tls } = await access.credentials(false);
    expect(tls).toEqual({ ca: 'CA' });
    expect((await access.credentials(false)).tls).toBe(tls);
    write('ca.crt', 'CA 2');
    expect((await access.credentials(false)).tls).toEqual({ ca: 'CA 2' });
  });

  test('goes on with what it read when the files are gone for a moment', async () => {
    const access = open(-1);
    await access.credentials(false);
    unlinkSync(join(directory, 'ca.crt'));
    unlinkSync(join(directory, 'token'));
    expect(await access.credentials(true)).toEqual({ tls: { ca: 'CA' }, authorization: 'Bearer first' });
  });

  test('without files says which one is missing', () => {
    unlinkSync(join(directory, 'token'));
    expect(() => open().credentials(false)).toThrow(
      expect.objectContaining({ code: 'SHUNT_E_CREDENTIALS', message: expect.stringContaining('/token') }),
    );
  });
});

test.each([
  [{ KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '6443' }, 'https://10.96.0.1:6443'],
  [{ KUBERNETES_SERVICE_HOST: 'fd00:10:96::1' }, 'https://[fd00:10:96::1]:443'],
  [{ KUBERNETES_SERVICE_HOST: 'kubernetes.default' }, 'https://kubernetes.default:443'],
])('in a Pod with %j the server is %s', (env, server) => {
  expect(inCluster(env, directory).server).toBe(server);
});

test('outside of a Pod that is said', () => {
  expect(() => inCluster({})).toThrow(expect.objectContaining({ code: 'SHUNT_E_CONFIG' }));
});

describe('a kubeconfig', () => {
  const config = (user: object, cluster: object = {}): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'one',
      contexts: ['one', 'other'].map((name) => ({ name, context: { cluster: name, user: name } })),
      clusters: ['one', 'other'].map((name) => ({ name, cluster: { server: `https://${name}/`, ...cluster } })),
      users: ['one', 'other'].map((name) => ({ name, user })),
    });
  const open = async (user: object, cluster: object = {}, context?: string) => {
    write('config', config(user, cluster));
    return kubeconfig(join(directory, 'config'), context);
  };
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  test('names the server of its current context, or of the one that is given', async () => {
    expect((await open({})).server).toBe('https://one');
    expect((await open({}, {}, 'other')).server).toBe('https://other');
  });

  test.each([
    { user: { token: 'secret' }, header: 'Bearer secret' },
    { user: { username: 'a', password: 'b' }, header: `Basic ${base64('a:b')}` },
    { user: {}, header: undefined },
  ])('with the user $user sends $header', async ({ user, header }) => {
    expect(await authorization(await open(user))).toBe(header);
  });

  test('has certificates in itself or in files beside it', async () => {
    const inline = await open(
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
      { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
    );
    const { tls } = await inline.credentials(false);
    expect(Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, String(value)]))).toEqual({
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      servername: 'kubernetes',
    });
    expect((await inline.credentials(false)).tls).toBe(tls);
    write('ca.pem', 'CA of a file');
    const beside = await open({}, { 'certificate-authority': 'ca.pem' });
    expect(String((await beside.credentials(false)).tls.ca)).toBe('CA of a file');
  });

  test('runs the program that makes tokens, and again when its token is refused', async () => {
    write('count', '');
    write(
      'plugin',
      `#!/bin/sh\necho x >> ${directory}/count\nn=$(wc -l < ${directory}/count)\n` +
        `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"token-'$n'"}}'\n`,
    );
    chmodSync(join(directory, 'plugin'), 0o700);
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: join(directory, 'plugin') };
    const access = await open({ exec });
    expect([await authorization(access), await authorization(access), await authorization(access, true)]).toEqual([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('whose program fails says so', async () => {
    const access = await open({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/false' } });
    await expect(access.credentials(false)).rejects.toMatchObject({ code: 'SHUNT_E_KUBECONFIG' });
  });

  test.each([
    { what: 'that is not there', prepare: () => {}, says: 'ENOENT' },
    { what: 'that is no YAML', prepare: () => write('config', '{'), says: 'config' },
    {
      what: 'without context',
      prepare: () => write('config', '{}'),
      says: 'no current-context; name one with --context',
    },
    {
      what: 'without its cluster',
      prepare: () => write('config', JSON.stringify({ ...JSON.parse(config({})), clusters: [] })),
      says: 'context one names no cluster',
    },
    {
      what: 'with a server that is not https',
      prepare: () => write('config', config({}, { server: 'http://server' })),
      says: 'not https, which needs insecure-skip-tls-verify',
    },
    {
      what: 'with a server that is no URL',
      prepare: () => write('config', config({}, { server: 'server:6443' })),
      says: 'has no server with http or https',
    },
    {
      what: 'with a proxy',
      prepare: () => write('config', config({}, { 'proxy-url': 'http://proxy' })),
      says: 'proxy-url, which Shunt does not use',
    },
  ])('$what is refused', async ({ prepare, says }) => {
    prepare();
    await expect(kubeconfig(join(directory, 'config'), undefined)).rejects.toMatchObject({
      code: 'SHUNT_E_KUBECONFIG',
      message: expect.stringContaining(says),
    });
  });

  test('never shows what stands in it', async () => {
    write('config', 'users:\n- name: a\n  user:\n    token: "hunter2\n  x: [\n');
    const error = await kubeconfig(join(directory, 'config'), undefined).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SHUNT_E_KUBECONFIG', message: expect.stringContaining('(5:3)') });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });

  test('without the context that is asked for is refused', async () => {
    await expect(open({}, {}, 'none')).rejects.toThrow('it has no context none');
  });
});
