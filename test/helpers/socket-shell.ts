import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Spawner } from '../../src/demo/process.ts';

const PROGRAM = fileURLToPath(new URL('../../build/test/socket-shell', import.meta.url));
const EXIT_WITHIN_MS = 2000;

/** `ping`: an ICMP socket for echo requests, where `net.ipv4.ping_group_range` allows it. */
export type SocketKind = 'tcp4' | 'tcp6' | 'udp4' | 'udp6' | 'mptcp4' | 'mptcp6' | 'ping4' | 'ping6';
export type HammerKind = 'tcp' | 'udp' | 'udp-unconnected';

/** What a call came to: `{ ok: true }`, or the name of its errno. `TIMEOUT`: it would still block. */
export type Outcome = { readonly ok: true } | { readonly error: string };
export type Named = { readonly address: string; readonly port: number } | { readonly error: string };
export type Received = { readonly text: string } | { readonly error: string };
export type ReceivedFrom =
  | { readonly text: string; readonly address: string; readonly port: number }
  | { readonly error: string };

export interface HammerOptions {
  /** Ends after so many attempts or milliseconds, whichever is first; with neither, when it is stopped. */
  readonly count?: number;
  readonly ms?: number;
  readonly threads?: number;
  readonly pauseMicros?: number;
  /** For each attempt; 3 s if not given. */
  readonly timeoutMs?: number;
  /** Each thread goes on with one socket while it works. A TCP one proves by an echo that it still works. */
  readonly keep?: boolean;
  /** Closes by a RST, which leaves no TIME_WAIT. */
  readonly reset?: boolean;
}

export interface HammerResult {
  readonly total: number;
  /** Attempts by the name of the server that answered. */
  readonly by: Readonly<Record<string, number>>;
  /** Failed attempts by errno; after connecting with the step before it, such as `read ECONNRESET` or `read EOF`. */
  readonly errors: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly slowestMicros: number;
}

export interface Hammer {
  /** Resolves when it has ended by itself or was stopped. */
  readonly result: Promise<HammerResult>;
  /** Lets attempts under way end. */
  stop(): Promise<HammerResult>;
}

export interface Server {
  readonly address: string;
  readonly port: number;
  served(): Promise<{ accepted: number; active: number; bytes: number; datagrams: number }>;
  /** Closes the listening socket and every connection. */
  stop(): Promise<void>;
}

/** `reset` and `close` accept and end the connection; `full` never answers a SYN, because its queue is full. */
export type ServerMode = 'echo' | 'reset' | 'close' | 'full';

/** Starts a socket shell in a pod, in the node's own network, or (`machine`) outside of both. */
export const openShell = async (place: Spawner): Promise<SocketShell> => {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: make -C test/helpers`);
  const shell = new SocketShell(place.spawn(PROGRAM, [], { stdio: ['pipe', 'pipe', 'inherit'] }));
  // Answers as soon as it runs, so whoever looks at its cgroup afterwards finds it there.
  await shell.closeSocket(await shell.socket('udp4'));
  return shell;
};

/** The test's own place: the machine's network and the cgroup of the test process. */
export const machine: Spawner = { spawn: (command, args = [], options = {}) => spawn(command, args, options) };

/**
 * Real sockets in a pod. Calls run one after the other, each with a time limit; servers and hammers run beside them.
 * A call that cannot fail in a test that is right (`socket`, `serve`) returns its value and throws otherwise.
 */
export class SocketShell implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  readonly #exited: Promise<void>;
  #last = 0;
  #dead = false;

  constructor(child: ChildProcess) {
    if (child.stdin === null || child.stdout === null) throw new Error('a socket shell needs pipes');
    this.process = child;
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => this.#answered(line));
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => this.#end(error, resolve));
      child.once('close', () => this.#end(new Error('the socket shell has ended'), resolve));
    });
  }

  async socket(kind: SocketKind, options: { readonly nonblock?: boolean } = {}): Promise<number> {
    return this.#value(await this.#ask('socket', kind, options.nonblock ? 'nonblock' : ''), 'fd');
  }

  bind(fd: number, address: string, port: number): Promise<Outcome> {
    return this.#ask('bind', fd, address, port);
  }

  listen(fd: number, backlog?: number): Promise<Outcome> {
    return this.#ask('listen', fd, backlog);
  }

  accept(fd: number, timeoutMs?: number): Promise<{ fd: number; address: string; port: number } | { error: string }> {
    return this.#ask('accept', fd, timeoutMs);
  }

  connect(fd: number, address: string, port: number, timeoutMs?: number): Promise<Outcome> {
    return this.#ask('connect', fd, address, port, timeoutMs);
  }

  /** Two threads connect one socket at the same time, each to an address of its own, so many times. */
  connectRace(fd: number, [one, other]: readonly [Target, Target], times: number): Promise<Outcome> {
    return this.#ask('connect_race', fd, one.address, one.port, other.address, other.port, times);
  }

  /** Dissolves the association of a socket: connect with AF_UNSPEC. */
  connectUnspec(fd: number): Promise<Outcome> {
    return this.#ask('connect_unspec', fd);
  }

  /** Connects and sends in one call: sendto with MSG_FASTOPEN. */
  fastOpen(fd: number, address: string, port: number, text: string): Promise<Outcome> {
    return this.#ask('fastopen', fd, address, port, encode(text));
  }

  getpeername(fd: number): Promise<Named> {
    return this.#ask('getpeername', fd);
  }

  getsockname(fd: number): Promise<Named> {
    return this.#ask('getsockname', fd);
  }

  /** Names as in C, in lower case: `so_error` (answered by name), `so_protocol`, `tcp_syncnt`, ... */
  getsockopt(fd: number, name: string): Promise<{ readonly value: number | string } | { readonly error: string }> {
    return this.#ask('getsockopt', fd, name);
  }

  setsockopt(fd: number, name: string, value: number): Promise<Outcome> {
    return this.#ask('setsockopt', fd, name, value);
  }

  send(fd: number, text: string): Promise<Outcome> {
    return this.#ask('send', fd, encode(text));
  }

  sendto(fd: number, address: string, port: number, text: string): Promise<Outcome> {
    return this.#ask('sendto', fd, address, port, encode(text));
  }

  /** sendmsg with a name, or with none if `to` is left out. */
  sendmsg(fd: number, text: string, to?: { readonly address: string; readonly port: number }): Promise<Outcome> {
    return this.#ask('sendmsg', fd, to?.address ?? '-', to?.port ?? '-', encode(text));
  }

  /** An empty text is the end of the stream. Bytes above 0x7f come as the characters of the same number. */
  recv(fd: number, timeoutMs?: number): Promise<Received> {
    return this.#ask('recv', fd, timeoutMs);
  }

  recvfrom(fd: number, timeoutMs?: number): Promise<ReceivedFrom> {
    return this.#ask('recvfrom', fd, timeoutMs);
  }

  recvmsg(fd: number, timeoutMs?: number): Promise<ReceivedFrom> {
    return this.#ask('recvmsg', fd, timeoutMs);
  }

  /** Sends so many bytes to a server that echoes and reads as many back. */
  exchange(fd: number, bytes: number, timeoutMs?: number): Promise<{ sent: number; received: number; error?: string }> {
    return this.#ask('exchange', fd, bytes, timeoutMs);
  }

  /** What became true of `in`, `out`, `err`, `hup`; nothing when the time has passed. */
  async poll(fd: number, event: 'in' | 'out', timeoutMs?: number): Promise<readonly string[]> {
    return this.#value(await this.#ask('poll', fd, event, timeoutMs), 'events');
  }

  shutdown(fd: number, how: 'read' | 'write' | 'both'): Promise<Outcome> {
    return this.#ask('shutdown', fd, how);
  }

  closeSocket(fd: number): Promise<Outcome> {
    return this.#ask('close', fd);
  }

  /** Closes with a RST: SO_LINGER 0. */
  reset(fd: number): Promise<Outcome> {
    return this.#ask('reset', fd);
  }

  async dup(fd: number): Promise<number> {
    return this.#value(await this.#ask('dup', fd), 'fd');
  }

  /** Forks a child that holds a copy of every socket until it is killed. Returns its pid. */
  async forkHold(): Promise<number> {
    return this.#value(await this.#ask('fork_hold'), 'pid');
  }

  /** Watches every packet on every interface of the shell's network namespace from now on. */
  async capture(): Promise<Capture> {
    const fd: number = this.#value(await this.#ask('capture'), 'fd');
    return {
      count: (address) => this.#ask('captured', fd, address),
      stop: async () => this.#value(await this.closeSocket(fd), 'ok'),
    };
  }

  /** `address` may be `*`, for all of both families. The server says `name` to whom it accepts, and echoes. */
  async serve(
    kind: 'tcp' | 'udp',
    address: string,
    port: number,
    name: string,
    mode: ServerMode = 'echo',
  ): Promise<Server> {
    const { id, answer } = this.#send('serve', kind, address, port, name, mode);
    const listening = await answer;
    return {
      address: this.#value(listening, 'address'),
      port: this.#value(listening, 'port'),
      served: () => this.#ask('served', id),
      stop: async () => this.#value(await this.#ask('stop', id), 'ok'),
    };
  }

  /** Many attempts at one address, and who answered them. */
  hammer(kind: HammerKind, address: string, port: number, options: HammerOptions = {}): Promise<HammerResult> {
    return this.startHammer(kind, address, port, options).result;
  }

  /** The same in the background. */
  startHammer(kind: HammerKind, address: string, port: number, options: HammerOptions = {}): Hammer {
    const { id, answer } = this.#send('hammer', kind, address, port, ...hammerOptions(options));
    const result = answer as Promise<unknown> as Promise<HammerResult>;
    // A hammer that ends with its shell is an error only to those who ask for its result.
    result.catch(() => {});
    const stop = async (): Promise<HammerResult> => {
      // It may have ended by itself just now, which is no error.
      await this.#ask('stop', id);
      return result;
    };
    return { result, stop };
  }

  /** Who answers one connection or datagram: a server's name, or the error of the attempt. */
  async whoAnswers(kind: HammerKind, address: string, port: number, timeoutMs = 2000): Promise<string> {
    const { by, errors } = await this.hammer(kind, address, port, { count: 1, timeoutMs });
    return Object.keys(by)[0] ?? Object.keys(errors)[0] ?? 'nothing';
  }

  /** Ends the shell with all of its sockets, as `kill -9` does. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.#exited;
  }

  /** Ends the shell at the end of its input; its sockets are closed by the kernel. */
  async close(): Promise<void> {
    this.process.stdin?.end();
    const late = setTimeout(() => this.process.kill('SIGKILL'), EXIT_WITHIN_MS);
    await this.#exited;
    clearTimeout(late);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<T>(...words: readonly Word[]): Promise<T> {
    // The program answers each command in the shape that its method promises.
    return (await this.#send(...words).answer) as T;
  }

  #send(...words: readonly Word[]): { readonly id: number; readonly answer: Promise<Answer> } {
    this.#last += 1;
    const id = this.#last;
    const waiting = Promise.withResolvers<Answer>();
    if (this.#dead) {
      waiting.reject(new Error('the socket shell has ended'));
      return { id, answer: waiting.promise };
    }
    this.#waiting.set(id, waiting);
    const line = [id, ...words].filter((word) => word !== undefined && word !== '').join(' ');
    this.process.stdin?.write(`${line}\n`);
    return { id, answer: waiting.promise };
  }

  #answered(line: string): void {
    const { id, ...answer } = JSON.parse(line) as Answer & { readonly id: number };
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (answer.usage === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(`the socket shell does not take this: ${answer.usage}`));
  }

  #value<T>(answer: Answer, key: string): T {
    if (answer.error !== undefined) throw new Error(`the socket shell could not: ${answer.error}`);
    return answer[key] as T;
  }

  #end(error: Error, done: () => void): void {
    this.#dead = true;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    done();
  }
}

interface Target {
  readonly address: string;
  readonly port: number;
}

export interface Capture {
  /** Packets since the last count: all, and those from or to `address`. `lost`: seen, but too many to keep. */
  count(address: string): Promise<{ packets: number; matching: number; lost: number }>;
  stop(): Promise<void>;
}

type Word = string | number | undefined;

interface Answer {
  readonly error?: string;
  readonly usage?: string;
  readonly [key: string]: unknown;
}

/** A text is one word of the command line. */
const encode = (text: string): string => encodeURIComponent(text);

const hammerOptions = (options: HammerOptions): readonly string[] => [
  ...(options.count === undefined ? [] : [`count=${options.count}`]),
  ...(options.ms === undefined ? [] : [`ms=${options.ms}`]),
  ...(options.threads === undefined ? [] : [`threads=${options.threads}`]),
  ...(options.pauseMicros === undefined ? [] : [`pause=${options.pauseMicros}`]),
  ...(options.timeoutMs === undefined ? [] : [`timeout=${options.timeoutMs}`]),
  ...(options.keep ? ['keep'] : []),
  ...(options.reset ? ['reset'] : []),
];
