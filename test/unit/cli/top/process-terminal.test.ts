import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ENTER, LEAVE } from '../../../../src/cli/top/screen.ts';
import { buildAdmin } from '../../../../src/http/admin.ts';
import { type Listener, listenUnix } from '../../../../src/http/listen.ts';
import { fakeView } from '../../http/fake-view.ts';
import { port } from './readings.ts';

/** `shunt top` as a process on a real pseudo-terminal, which `script` makes; what a shell finds there afterwards. */

const MAIN = fileURLToPath(new URL('../../../../src/main.ts', import.meta.url));
const BOLD = '\x1b[1m';
const WAITING = { timeout: 15_000, interval: 20 };

let directory: string;
let socket: string;
let listener: Listener;
let session: Session | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-terminal-'));
  socket = join(directory, 'admin.sock');
  const services = [port('shop/cart', { active: 4 }), port('shop/idle')];
  const view = fakeView({
    services: (only) => services.filter(({ id }) => only === undefined || id.startsWith(`${only}/`)),
  });
  listener = await listenUnix(socket, buildAdmin({ view: () => view, onBug: () => {} }));
});

afterEach(async () => {
  session?.child.kill('SIGKILL');
  session = undefined;
  await listener.close();
  rmSync(directory, { recursive: true });
});

interface Session {
  readonly child: ChildProcess;
  text: string;
}

/** A shell that says how its terminal is set before and after, and how `shunt top` ended. */
const open = (flags: readonly string[] = [], env = {}): Session => {
  const command = [process.execPath, MAIN, 'top', '--interval', '0.2', '--socket', socket, ...flags].join(' ');
  const lines = [
    'stty rows 24 cols 80',
    'echo "before $(stty -g)"',
    `sh -c 'echo "pid $$"; exec ${command}'`,
    'echo "status $?"',
    'echo "after $(stty -g)"',
  ];
  const child = spawn('script', ['-qec', lines.join('; '), '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', NO_COLOR: '', ...env },
  });
  const opened: Session = { child, text: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    opened.text += text;
  });
  session = opened;
  return opened;
};

const shows = (opened: Session, what: string) => vi.waitFor(() => expect(opened.text).toContain(what), WAITING);

const pidOf = ({ text }: Session): number => Number(/^pid (\d+)/m.exec(text)?.[1]);

const settings = ({ text }: Session, when: 'before' | 'after') => new RegExp(`^${when} (\\S+)`, 'm').exec(text)?.[1];

const write = (opened: Session, keys: string): void => void opened.child.stdin?.write(keys);

/** Ended with this status, and the terminal is as it was. */
const expectClean = async (opened: Session, status: number): Promise<void> => {
  await shows(opened, 'after ');
  if (opened.child.exitCode === null) await once(opened.child, 'close');
  const { text } = opened;
  expect(text).toMatch(new RegExp(`status ${status}\r\nafter `));
  expect(settings(opened, 'before')).toMatch(/^[0-9a-f]+:/);
  expect(settings(opened, 'after')).toBe(settings(opened, 'before'));
  expect(text.split(ENTER).length).toBe(text.split(LEAVE).length);
  const last = text.lastIndexOf(LEAVE);
  expect(last).toBeGreaterThan(text.lastIndexOf(ENTER));
  expect(text.slice(last + LEAVE.length)).toMatch(/^status/);
};

describe('the terminal is as it was', { timeout: 30_000 }, () => {
  test.each([
    { what: 'q', end: (opened: Session) => write(opened, 'q') },
    { what: 'Ctrl-C', end: (opened: Session) => write(opened, '\x03') },
    { what: 'SIGTERM', end: (opened: Session) => process.kill(pidOf(opened), 'SIGTERM') },
    { what: 'SIGINT', end: (opened: Session) => process.kill(pidOf(opened), 'SIGINT') },
    { what: 'SIGHUP', end: (opened: Session) => process.kill(pidOf(opened), 'SIGHUP') },
  ])('after $what', async ({ end }) => {
    const opened = open();
    await shows(opened, 'shop/cart:80');
    expect(opened.text).toContain(ENTER);
    end(opened);
    await expectClean(opened, 0);
  });

  test('after an error', async () => {
    const opened = open(['shop/crat']);
    await shows(opened, 'after ');
    const text = opened.text.slice(opened.text.lastIndexOf(LEAVE) + LEAVE.length);
    expect(text).toMatch(/^\S*shunt:\S* no Service shop\/crat is programmed/);
    expect(text).toContain('status 1\r\nafter ');
    expect(settings(opened, 'after')).toBe(settings(opened, 'before'));
  });

  test('after q while the agent holds its answer back', async () => {
    await listener.close();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => void held.then(() => response.end('{}')));
    server.listen(socket);
    await once(server, 'listening');
    const opened = open();
    await shows(opened, 'asking the agent');
    const startedMs = performance.now();
    write(opened, 'q');
    await expectClean(opened, 0);
    expect(performance.now() - startedMs).toBeLessThan(3000);
    letGo();
    server.close();
  });

  test('while it is suspended, and the screen is back after that', async () => {
    const opened = open();
    await shows(opened, 'shop/cart:80');
    write(opened, '\x1a');
    await shows(opened, LEAVE);
    const now = () => execFileSync('stty', ['-F', `/proc/${pidOf(opened)}/fd/0`, '-g'], { encoding: 'utf8' }).trim();
    await vi.waitFor(() => expect(now()).toBe(settings(opened, 'before')), WAITING);
    const { length } = opened.text;
    process.kill(pidOf(opened), 'SIGCONT');
    await vi.waitFor(() => expect(opened.text.slice(length)).toContain('shop/cart:80'), WAITING);
    expect(opened.text.slice(length)).toContain(ENTER);
    write(opened, 'q');
    await expectClean(opened, 0);
  });
});

test('it ends with its terminal', { timeout: 30_000 }, async () => {
  const opened = open();
  await shows(opened, 'shop/cart:80');
  const pid = pidOf(opened);
  opened.child.kill('SIGKILL');
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), WAITING);
});

describe('on the terminal', { timeout: 30_000 }, () => {
  test('keys that send several bytes are understood', async () => {
    const opened = open();
    await shows(opened, '1 to 2 of 2');
    write(opened, '/idle\r');
    await shows(opened, 'filter idle');
    const { length } = opened.text;
    write(opened, '\x1b');
    await vi.waitFor(() => expect(opened.text.slice(length)).toContain('1 to 2 of 2'), WAITING);
    write(opened, '\x1b[B\x1b[6~q');
    await expectClean(opened, 0);
  });

  test.each([
    { env: { LC_ALL: 'C', NO_COLOR: '1' }, has: ['________'], hasNot: ['▁', BOLD] },
    { env: {}, has: ['▁▁▁▁', BOLD], hasNot: ['____'] },
  ])('colour and characters are those of $env', async ({ env, has, hasNot }) => {
    const opened = open([], env);
    for (const text of has) await shows(opened, text);
    for (const text of hasNot) expect(opened.text).not.toContain(text);
    write(opened, 'q');
    await expectClean(opened, 0);
  });

  test('everything is painted anew for another size', async () => {
    const opened = open([], { NO_COLOR: '1' });
    await shows(opened, 'shop/cart:80');
    const { length } = opened.text;
    execFileSync('stty', ['-F', `/proc/${pidOf(opened)}/fd/0`, 'rows', '10', 'cols', '31']);
    await vi.waitFor(() => expect(opened.text.slice(length)).toContain('SERVICE                  CONN/S\x1b'), WAITING);
    await vi.waitFor(() => expect(opened.text.slice(length)).toContain('\x1b[10;1H\x1b[2K1 to 2 of 2'), WAITING);
    write(opened, 'q');
    await expectClean(opened, 0);
  });

  test('TERM=dumb gets a table', async () => {
    const opened = open([], { TERM: 'dumb' });
    await shows(opened, 'after ');
    expect(opened.text).not.toContain('\x1b');
    expect(opened.text).toContain('shop/idle:80');
  });
});
