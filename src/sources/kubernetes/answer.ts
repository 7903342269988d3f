import type { Readable } from 'node:stream';
import type { Answer } from './client.ts';
import { Ending } from './ending.ts';
import type { ReconnectCause } from './statistics.ts';

/** The parts of a `v1 Status` that are used. */
interface Status {
  readonly code?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly retryAfterSeconds?: unknown; readonly causes?: unknown };
}

/** What an answer other than 200 means. Reads what it says about itself. */
export const refusal = async ({ status, headers, body }: Answer, nowMs: number): Promise<Ending> => {
  const about = parseStatus(await readText(body));
  const retryAfterMs = retryAfter(headers['retry-after'], nowMs) ?? retryAfterOf(about);
  return ended(status, about, retryAfterMs);
};

/** What an event of type ERROR means. */
export const errorEvent = (object: unknown): Ending => {
  const about = asStatus(object);
  const code = typeof about.code === 'number' ? about.code : 500;
  const { reason, message, ...others } = ended(code, about, retryAfterOf(about));
  return new Ending(reason === 'expired' ? reason : 'error_event', message, others);
};

/** `Retry-After` of HTTP (RFC 9110): seconds, or a date. */
export const retryAfter = (header: string | undefined, nowMs: number): number | undefined => {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
};

const ended = (status: number, about: Status, retryAfterMs: number | undefined): Ending => {
  const message = `${status} ${typeof about.message === 'string' ? about.message : reasonOf(about)}`.trim();
  const expired = status === 410 || about.reason === 'Expired' || about.reason === 'Gone';
  return new Ending(expired ? 'expired' : causeOf(status), message, {
    status,
    retryAfterMs,
    isAhead: isAhead(about, message),
  });
};

const causeOf = (status: number): ReconnectCause => {
  switch (status) {
    case 401:
      return 'status_401';
    case 403:
      return 'status_403';
    case 404:
      return 'status_404';
    case 429:
      return 'status_429';
    default:
      return status >= 500 ? 'status_5xx' : 'status_4xx';
  }
};

/** `storage.NewTooLargeResourceVersionError` of the API server. */
const isAhead = ({ details }: Status, message: string): boolean =>
  message.includes('Too large resource version') ||
  (Array.isArray(details?.causes) &&
    details.causes.some((cause) => asCause(cause).reason === 'ResourceVersionTooLarge'));

const asCause = (cause: unknown): { readonly reason?: unknown } =>
  typeof cause === 'object' && cause !== null ? cause : {};

const reasonOf = ({ reason }: Status): string => (typeof reason === 'string' ? reason : '');

const retryAfterOf = ({ details }: Status): number | undefined => {
  const seconds = details?.retryAfterSeconds;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
};

const asStatus = (value: unknown): Status => {
  if (typeof value !== 'object' || value === null) return {};
  const { details, ...others } = value as Status;
  return typeof details === 'object' && details !== null ? { ...others, details } : others;
};

const parseStatus = (text: string): Status => {
  try {
    return asStatus(JSON.parse(text));
  } catch {
    // Of a proxy, perhaps.
    return { message: text.split('\n', 1)[0]?.slice(0, 200) ?? '' };
  }
};

const readText = async (body: Readable): Promise<string> => {
  let text = '';
  for await (const chunk of body) {
    text += String(chunk);
    if (text.length > STATUS_MAX) break;
  }
  return text;
};

const STATUS_MAX = 65_536;
