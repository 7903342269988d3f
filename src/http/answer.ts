import type { ShuntError } from '../errors.ts';

/** What a route answers. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  /** Called once the body is no longer needed, sent or not. */
  readonly release?: () => void;
}

export const JSON_TYPE = 'application/json; charset=utf-8';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

export const json = (data: unknown, status = 200): Answer => ({
  status,
  type: JSON_TYPE,
  body: `${JSON.stringify(data)}\n`,
});

export const text = (body: string, status = 200): Answer => ({ status, type: TEXT_TYPE, body: `${body}\n` });

/** Errors have one shape everywhere: {"error": {"code", "message", "help"}}. */
export const failure = (error: ShuntError): Answer => {
  const { code, message, help } = error;
  return json({ error: { code, message, help } }, STATUSES.get(code) ?? 500);
};

const STATUSES: ReadonlyMap<string, number> = new Map([
  ['SHUNT_E_HTTP_PARAMETER', 400],
  ['SHUNT_E_HTTP_PATH', 404],
  ['SHUNT_E_HTTP_METHOD', 405],
  ['SHUNT_E_STARTING', 503],
]);
