import type { SocketKind, SocketShell } from './socket-shell.ts';

/** What Kubernetes' own end-to-end tests call the outcomes: `agnhost connect` prints them. */
export type Dialled = 'CONNECTED' | 'REFUSED' | 'TIMEOUT' | `OTHER: ${string}`;

/**
 * Connects as a Go program does (net.Dialer, which `agnhost connect --timeout=3s` uses): the socket does not block, an
 * error of connect() itself counts, and else that which is found on the socket once it can be written to.
 */
export const dial = async (
  shell: SocketShell,
  kind: SocketKind,
  address: string,
  port: number,
  timeoutMs = 3000,
): Promise<Dialled> => {
  const fd = await shell.socket(kind, { nonblock: true });
  try {
    const connected = await shell.connect(fd, address, port);
    if ('ok' in connected) return 'CONNECTED';
    if (connected.error !== 'EINPROGRESS') return named(connected.error);
    if ((await shell.poll(fd, 'out', timeoutMs)).length === 0) return 'TIMEOUT';
    const pending = await shell.getsockopt(fd, 'so_error');
    return 'error' in pending ? named(pending.error) : 'CONNECTED';
  } finally {
    await shell.closeSocket(fd);
  }
};

const named = (error: string): Dialled => {
  if (error === 'ECONNREFUSED') return 'REFUSED';
  return error === 'ETIMEDOUT' ? 'TIMEOUT' : `OTHER: ${error}`;
};
