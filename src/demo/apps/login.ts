import { type IncomingMessage, request } from 'node:http';
import { buffer, json } from 'node:stream/consumers';
import { type Answer, identify, serve } from './server.ts';

/** `POST /login {"name": NAME}`: asks register at its Service address, in the address family that it was asked in. */
const login = async (incoming: IncomingMessage): Promise<Answer> => {
  if (incoming.method !== 'POST' || incoming.url !== '/login') return { status: 404, body: { error: 'not found' } };
  try {
    const { name } = (await json(incoming)) as { readonly name: string };
    const { status, body } = await ask(registerHost(incoming), `/users/${encodeURIComponent(name)}`);
    return { status: status === 200 ? 200 : 401, body: { register: body } };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { status: 502, body: { error: code ?? message } };
  }
};

/** As Kubernetes names them, and one more for the second address of a dual-stack Service. */
const { REGISTER_SERVICE_HOST, REGISTER_SERVICE_HOST_IPV6, REGISTER_SERVICE_PORT } = process.env;

/** An IPv4 client of a dual-stack socket is seen as ::ffff:a.b.c.d. */
const registerHost = ({ socket }: IncomingMessage): string | undefined =>
  socket.localAddress?.startsWith('::ffff:') ? REGISTER_SERVICE_HOST : REGISTER_SERVICE_HOST_IPV6;

const ask = (host: string | undefined, path: string): Promise<{ readonly status: number; readonly body: object }> =>
  new Promise((resolve, reject) => {
    const options = { host, port: REGISTER_SERVICE_PORT, path, agent: false, timeout: 5000 };
    const sent = request(options, (response) => {
      buffer(response).then((bytes) => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(bytes.toString('utf8')) });
      }, reject);
    });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('register does not answer'), { code: 'ETIMEDOUT' })));
    sent.on('error', reject);
    sent.end();
  });

serve(identify('login'), 9080, login);
