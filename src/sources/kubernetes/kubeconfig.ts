import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { ShuntError } from '../../errors.ts';
import type { Access, Credentials, TlsSettings } from './client.ts';

/**
 * The way that a kubeconfig names: certificates, tokens, and programs that make tokens. The library that knows all of
 * them takes 75 MB, so it is loaded only here. Throws SHUNT_E_KUBECONFIG.
 */
export const kubeconfig = async (path: string, context: string | undefined): Promise<Access> => {
  let config = await load(path, context);
  let tls: TlsSettings = {};
  return {
    server: serverOf(config, path),
    credentials: async (fresh): Promise<Credentials> => {
      // A program's token is kept by the library until its end; the server may think otherwise.
      if (fresh) config = await load(path, context);
      const options: RequestOptions = {};
      try {
        await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
      } catch (error) {
        throw broken(path, (error as Error).message, error);
      }
      const settings = settingsOf(options);
      if (!isSame(settings, tls)) tls = settings;
      return { tls, authorization: authorizationOf(options) };
    },
  };
};

const load = async (path: string, context: string | undefined): Promise<KubeConfig> => {
  const { KubeConfig: Config } = await import('@kubernetes/client-node');
  const config = new Config();
  try {
    config.loadFromFile(path);
  } catch (error) {
    // The lines after the first show what stands there, which may be a token; so may the error, which is not kept.
    throw broken(path, (error as Error).message.split('\n', 1)[0] ?? '');
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null) throw broken(path, `it has no context ${context}`);
    config.setCurrentContext(context);
  }
  return config;
};

const serverOf = (config: KubeConfig, path: string): string => {
  const cluster = config.getCurrentCluster();
  const context = config.getCurrentContext();
  if (!context) throw broken(path, 'it has no current-context; name one with --context');
  if (cluster === null) throw broken(path, `context ${context} names no cluster that it has`);
  if (!/^https?:/.test(cluster.server)) throw broken(path, `cluster ${cluster.name} has no server with http or https`);
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) {
    throw broken(path, `server ${cluster.server} is not https, which needs insecure-skip-tls-verify`);
  }
  if (cluster.proxyUrl) throw broken(path, `cluster ${cluster.name} has a proxy-url, which Shunt does not use`);
  return cluster.server.replace(/\/+$/, '');
};

const TLS_FIELDS = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername', 'rejectUnauthorized'] as const;

const settingsOf = (options: RequestOptions): TlsSettings =>
  Object.fromEntries(
    TLS_FIELDS.filter((field) => options[field] !== undefined).map((field) => [field, options[field]]),
  );

const isSame = (a: TlsSettings, b: TlsSettings): boolean =>
  TLS_FIELDS.every((field) => text(a[field]) === text(b[field]));

const text = (value: unknown): string => String(value);

const authorizationOf = ({ headers, auth }: RequestOptions): string | undefined => {
  if (auth) return `Basic ${Buffer.from(auth).toString('base64')}`;
  const given = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  return given === undefined ? undefined : String(given);
};

const broken = (path: string, reason: string, cause?: unknown): ShuntError =>
  new ShuntError('SHUNT_E_KUBECONFIG', { path, reason }, { cause });
