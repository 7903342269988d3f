import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { ShuntError } from '../errors.ts';

/** Longer than the agent ever takes; shorter than a person waits. */
const TIMEOUT_MS = 10_000;

/**
 * Asks the agent over its UNIX socket. Throws SHUNT_E_NO_AGENT, also when `signal` calls it off, SHUNT_E_SOCKET_DENIED or
 * SHUNT_E_AGENT_ANSWER.
 */
export const askAgent = async <T>(
  socket: string,
  path: string,
  parameters: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<T> => {
  const { status, body } = await get(socket, withQuery(path, parameters), signal);
  const answer = parse(body);
  if (status === 200 && answer !== undefined) return answer as T;
  throw new ShuntError('SHUNT_E_AGENT_ANSWER', { socket, status, reason: reasonIn(answer) ?? 'not JSON' });
};

/**
 * Lines of JSON as they come, until `stopped` resolves. Throws as `askAgent` does, and SHUNT_E_NO_AGENT when the agent
 * goes away.
 */
export async function* followAgent<T>(
  socket: string,
  path: string,
  parameters: Readonly<Record<string, string>>,
  stopped: Promise<unknown>,
): AsyncGenerator<T> {
  const abort = new AbortController();
  let isStopped = false;
  stopped.then(() => {
    isStopped = true;
    abort.abort();
  });
  try {
    const response = await open(socket, withQuery(path, parameters), abort.signal);
    const { statusCode: status = 0 } = response;
    if (status !== 200) {
      const reason = reasonIn(parse(await collect(response))) ?? 'not JSON';
      throw new ShuntError('SHUNT_E_AGENT_ANSWER', { socket, status, reason });
    }
    for await (const line of createInterface({ input: response })) yield JSON.parse(line) as T;
  } catch (error) {
    if (isStopped) return;
    throw error instanceof ShuntError ? error : explain(error as Error, socket);
  } finally {
    abort.abort();
  }
  if (!isStopped) throw new ShuntError('SHUNT_E_NO_AGENT', { socket });
}

export const agentAnswers = async (socket: string): Promise<boolean> => {
  try {
    await get(socket, '/v1/status');
    return true;
  } catch (error) {
    if (error instanceof ShuntError && error.code === 'SHUNT_E_NO_AGENT') return false;
    throw error;
  }
};

interface Response {
  readonly status: number;
  readonly body: string;
}

const withQuery = (path: string, parameters: Readonly<Record<string, string>>): string => {
  const query = new URLSearchParams(parameters).toString();
  return query === '' ? path : `${path}?${query}`;
};

/** The agent says something every 15 s. */
const SILENT_MS = 60_000;

const open = (socketPath: string, path: string, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, agent: false, signal, timeout: SILENT_MS }, resolve);
    sent.on('timeout', () => sent.destroy(new Error('it is silent')));
    sent.on('error', reject);
    sent.end();
  });

const get = (socketPath: string, path: string, calledOff?: AbortSignal): Promise<Response> =>
  new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(explain(error, socketPath));
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(calledOff === undefined ? [] : [calledOff])]);
    const sent = request({ socketPath, path, agent: false, signal }, (response) => {
      collect(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), fail);
    });
    sent.on('error', fail);
    sent.end();
  });

const collect = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

const explain = (error: Error, socket: string): ShuntError => {
  const { code } = error as NodeJS.ErrnoException;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new ShuntError(denied ? 'SHUNT_E_SOCKET_DENIED' : 'SHUNT_E_NO_AGENT', { socket }, { cause: error });
};

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};

const reasonIn = (answer: unknown): string | undefined =>
  (answer as { readonly error?: { readonly message?: string } } | undefined)?.error?.message;
