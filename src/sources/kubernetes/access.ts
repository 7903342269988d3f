import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { ShuntError } from '../../errors.ts';
import type { Access, Credentials, TlsSettings } from './client.ts';

/** Where the kubelet puts the token of a Pod's service account, and the certificates to trust. */
export const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The way from inside a Pod. Throws SHUNT_E_CONFIG outside of one. */
export const inCluster = (env: Readonly<Record<string, string | undefined>>, directory = SERVICE_ACCOUNT): Access => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host) {
    throw new ShuntError('SHUNT_E_CONFIG', {
      setting: '--source',
      value: '`kubernetes`',
      allowed: 'outside of a cluster it needs --kubeconfig: KUBERNETES_SERVICE_HOST is not set',
    });
  }
  return serviceAccount({ server: `https://${isIPv6(host) ? `[${host}]` : host}:${port || '443'}`, directory });
};

/** Where this agent runs, and may hold a lease; undefined outside of a cluster. */
export const ownNamespace = (
  { POD_NAMESPACE }: Readonly<Record<string, string | undefined>>,
  directory = SERVICE_ACCOUNT,
): string | undefined => {
  if (POD_NAMESPACE) return POD_NAMESPACE;
  try {
    return readFileSync(join(directory, 'namespace'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
};

export interface ServiceAccountOptions {
  readonly server: string;
  /** Has `token` and `ca.crt`. */
  readonly directory: string;
  /** The kubelet replaces the token long before it ends; it is read again when it is older than this. */
  readonly tokenMaxAgeMs?: number;
}

/**
 * By token and CA files. Both may be replaced at any time. A file that cannot be read now leaves the last one in force.
 */
export const serviceAccount = ({ server, directory, tokenMaxAgeMs = 60_000 }: ServiceAccountOptions): Access => {
  let ca: string | undefined;
  let tls: TlsSettings = {};
  let token: string | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    server,
    credentials: (fresh): Credentials => {
      const trusted = readOr(join(directory, 'ca.crt'), ca);
      if (trusted !== ca) tls = { ca: trusted };
      ca = trusted;
      if (fresh || token === undefined || performance.now() - readAtMs > tokenMaxAgeMs) {
        token = readOr(join(directory, 'token'), token).trim();
        readAtMs = performance.now();
      }
      return { tls, authorization: `Bearer ${token}` };
    },
  };
};

const readOr = (path: string, known: string | undefined): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (known !== undefined) return known;
    throw new ShuntError('SHUNT_E_CREDENTIALS', { path, reason: (error as Error).message }, { cause: error });
  }
};
