import type { SocketKind, SocketShell } from './socket-shell.ts';

/** The ways in which an application connects to a Service: protocol, family of its socket, form of the address. */
export const WAYS = [
  { way: 'TCP over IPv4', kind: 'tcp4', form: 'ipv4' },
  { way: 'TCP over IPv6', kind: 'tcp6', form: 'ipv6' },
  { way: 'TCP to an IPv4-mapped address', kind: 'tcp6', form: 'mapped' },
  { way: 'connected UDP over IPv4', kind: 'udp4', form: 'ipv4' },
  { way: 'connected UDP over IPv6', kind: 'udp6', form: 'ipv6' },
  { way: 'connected UDP to an IPv4-mapped address', kind: 'udp6', form: 'mapped' },
] as const;

export const TCP_WAYS = WAYS.filter(({ kind }) => kind.startsWith('tcp'));
export const UDP_WAYS = WAYS.filter(({ kind }) => kind.startsWith('udp'));

export type Form = (typeof WAYS)[number]['form'];

/** As the application writes it: `pair` is an IPv4 and an IPv6 address. */
export const inForm = ([ipv4, ipv6]: readonly [string, string], form: Form): string =>
  form === 'ipv6' ? ipv6 : form === 'ipv4' ? ipv4 : `::ffff:${ipv4}`;

/** The name of the server that a connected socket talks to. Once for each connection. */
export const serverOf = async (shell: SocketShell, fd: number, kind: SocketKind): Promise<string> => {
  if (kind.startsWith('udp')) await shell.send(fd, '?');
  const answer = await shell.recv(fd, 2000);
  return 'text' in answer ? (answer.text.split(/[\n ]/)[0] as string) : answer.error;
};
