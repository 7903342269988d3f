import { execFileSync } from 'node:child_process';
import type { BatteryMode } from './battery.ts';

/** Every check of the mode. Those in which an event loop would block are marked. */
export const checksOf = (mode: BatteryMode): readonly string[] =>
  execFileSync('build/test/battery', ['list'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((line) => mode !== 'event-loop' || !line.includes('('))
    .map((line) => line.split(' ')[0] as string);

/** What the kernel leaves different for a socket that was joined before: docs/redirection.md. */
export const DIFFERENT: readonly string[] = [
  'close_partly_unread_rst',
  'close_unread_rst',
  'epoll_in_et_short',
  'fionread_mixed',
  'io_uring_send_zc',
  'msg_trunc',
  'splice_after_read',
  'splice_from_socket',
  'splice_from_socket_et',
  'tcp_info_bytes',
  'urgent_oob',
];
