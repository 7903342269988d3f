/** The programs of bpf/shunt.bpf.c and where each attaches. The order is that of attaching. */
export const PROGRAMS = [
  { program: 'shunt_sock_release', hook: 'sock_release' },
  { program: 'shunt_sockops', hook: 'sockops' },
  { program: 'shunt_getpeername4', hook: 'getpeername4' },
  { program: 'shunt_getpeername6', hook: 'getpeername6' },
  { program: 'shunt_recvmsg4', hook: 'recvmsg4' },
  { program: 'shunt_recvmsg6', hook: 'recvmsg6' },
  { program: 'shunt_sendmsg4', hook: 'sendmsg4' },
  { program: 'shunt_sendmsg6', hook: 'sendmsg6' },
  { program: 'shunt_connect4', hook: 'connect4' },
  { program: 'shunt_connect6', hook: 'connect6' },
] as const;
