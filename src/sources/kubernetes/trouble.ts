import { ShuntError } from '../../errors.ts';
import { Ending } from './ending.ts';
import type { Resource } from './resource.ts';

/** What a failed request of a resource means to whoever operates the node. */
export const troubleOf = (error: unknown, { name, apiVersion }: Resource, server: string): ShuntError => {
  if (error instanceof ShuntError) return error;
  if (error instanceof Error && error.cause instanceof ShuntError) return error.cause;
  const reason = messageOf(error);
  const values = { resource: name, group: groupOf(apiVersion), server, reason };
  const code = codeOf(error);
  return new ShuntError(code, values, { cause: error });
};

/** Trouble of that kind does not pass by itself: it is said at once. */
export const isLasting = (error: unknown): boolean =>
  isTls(error) || (error instanceof Ending && (LASTING.has(error.status ?? 0) || error.cause instanceof ShuntError));

const LASTING: ReadonlySet<number> = new Set([403, 404]);

const codeOf = (error: unknown): ConstructorParameters<typeof ShuntError>[0] => {
  if (isTls(error)) return 'SHUNT_E_API_TLS';
  if (!(error instanceof Ending)) return 'SHUNT_E_API_UNREACHABLE';
  switch (error.reason) {
    case 'status_401':
      return 'SHUNT_E_API_UNAUTHORIZED';
    case 'status_403':
      return 'SHUNT_E_API_FORBIDDEN';
    case 'status_404':
      return 'SHUNT_E_API_NOT_FOUND';
    case 'unreachable':
    case 'reset':
    case 'idle':
    case 'stalled':
    case 'unclosed':
    case 'closed':
      return 'SHUNT_E_API_UNREACHABLE';
    default:
      return 'SHUNT_E_API_ANSWER';
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Codes of OpenSSL's verification and of Node's TLS; https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const isTls = (error: unknown): boolean => {
  const code = codeText(error) || codeText(error instanceof Error ? error.cause : undefined);
  return /CERT|^ERR_TLS_|^ERR_SSL_|^ERR_OSSL_|^EPROTO$|UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_(CA|PURPOSE)$|_CRL_?/.test(
    code,
  );
};

const codeText = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
};

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/', 1)[0] ?? '') : '');

/** The handler did not take an object. */
export const notTaken = ({ name }: Resource, error: unknown): ShuntError =>
  new ShuntError('SHUNT_E_INTERNAL', {
    detail: `a change of ${name} was not taken, and is offered again: ${messageOf(error)}`,
  });

/** What is wrong now, told when it changes. Of several things the first is told. */
export class Troubles {
  readonly #tell: (error: ShuntError | undefined) => void;
  readonly #byKey = new Map<string, ShuntError>();
  #told: string | undefined;
  #stopped = false;

  constructor(tell: (error: ShuntError | undefined) => void) {
    this.#tell = tell;
  }

  set(key: string, error: ShuntError | undefined): void {
    if (error === undefined) this.#byKey.delete(key);
    else this.#byKey.set(key, error);
    const [first] = this.#byKey.values();
    const what = first && kindOf(first);
    if (this.#stopped || this.#told === what) return;
    this.#told = what;
    this.#tell(first);
  }

  stop(): void {
    this.#stopped = true;
  }
}

/** What is wrong, whatever it was that found it: an outage is one thing, not one for each resource. */
const kindOf = ({ code, message, cause }: ShuntError): string =>
  `${code} ${cause instanceof Error ? cause.message : message}`;
