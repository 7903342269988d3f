import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { UI_DEFAULT } from '../agent/config.ts';

export interface PageDoor extends AsyncDisposable {
  readonly url: string;
}

/**
 * The agent of the demo is in a network of its own. This leads from the loopback of the machine to the UNIX socket of its
 * page. While no agent listens there, connections end at once.
 */
export const openPageDoor = async (path: string): Promise<PageDoor> => {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    open.add(near);
    near.on('close', () => open.delete(near));
    join(near, connect(path));
  });
  // Where `shunt run --ui on` has it; another port when that is taken.
  const port = await listen(server, UI_DEFAULT.port).catch(() => listen(server, 0));
  return {
    url: `http://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
};

const join = (near: Socket, far: Socket): void => {
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
    one.pipe(other);
  }
};

const listen = async (server: Server, port: number): Promise<number> => {
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  await listening;
  return (server.address() as AddressInfo).port;
};
