import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** An answer that is no list and no stream. */
export interface StatusAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
}

export interface StatusFields {
  readonly reason: string;
  readonly message: string;
  readonly details?: object;
}

/** One object, as it was asked for. */
export const answerOf = (object: object, status = 200): StatusAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: `${JSON.stringify(object)}\n`,
});

export const statusAnswer = (code: number, fields: StatusFields, headers: OutgoingHttpHeaders = {}): StatusAnswer => ({
  status: code,
  headers: { 'content-type': 'application/json', ...headers },
  body: `${JSON.stringify(statusObject(code, fields))}\n`,
});

/** The object by which an API server says that something went wrong, also within a watch. */
export const statusObject = (code: number, { reason, message, details }: StatusFields): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  ...(details === undefined ? {} : { details }),
  code,
});

export const badRequest = (message: string): StatusAnswer => statusAnswer(400, { reason: 'BadRequest', message });

export const invalid = (message: string): StatusAnswer =>
  statusAnswer(422, { reason: 'Invalid', message: `ListOptions.meta.k8s.io "" is invalid: ${message}` });

export const unauthorized = (): StatusAnswer => statusAnswer(401, { reason: 'Unauthorized', message: 'Unauthorized' });

export const forbidden = (resource: string, group: string, verb: string): StatusAnswer => {
  const message = `${resource} is forbidden: User "shunt" cannot ${verb} resource "${resource}" in API group "${group}" at the cluster scope`;
  return statusAnswer(403, { reason: 'Forbidden', message, details: { group, kind: resource } });
};

/** A resource that is not installed: the API server has no such path. */
export const notFound = (): StatusAnswer => ({
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: '404 page not found\n',
});

export const expired = (asked: string): StatusAnswer =>
  statusAnswer(410, { reason: 'Expired', message: `too old resource version: ${asked}` });

/** Of a version that the server has not seen yet, although it has waited for it. */
export const tooLarge = (asked: number, current: number): StatusAnswer =>
  statusAnswer(
    504,
    {
      reason: 'Timeout',
      message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    },
    { 'retry-after': '1' },
  );

export const bearerOf = (headers: IncomingHttpHeaders): string | undefined =>
  /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
