import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentView } from '../../../src/agent/view.ts';
import type { Parts } from '../../../src/cli/parts.ts';
import type { Terminals } from '../../../src/cli/top/terminal.ts';
import { buildAdmin } from '../../../src/http/admin.ts';
import { type Listener, listenUnix } from '../../../src/http/listen.ts';
import { fakeView } from '../http/fake-view.ts';
import { type Surroundings, shunt } from './harness.ts';
import { port } from './top/readings.ts';

let directory: string;
let socket: string;
let listener: Listener | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-top-'));
  socket = join(directory, 'admin.sock');
});

afterEach(async () => {
  await listener?.close();
  listener = undefined;
  rmSync(directory, { recursive: true });
});

const serve = async (view: () => AgentView | undefined): Promise<void> => {
  listener = await listenUnix(socket, buildAdmin({ view, onBug: () => {} }));
};

/** Each time somebody asks, `cart` has ten more attempts, and two more that failed. */
const growing = (): AgentView => {
  let asked = 0;
  return fakeView({
    services: (only) => {
      asked += 1;
      const cart = port('shop/cart', { attempts: asked * 10, refused: asked * 2, active: 4 });
      return [cart, port('shop/idle')].filter(({ id }) => only === undefined || id.startsWith(`${only}/`));
    },
  });
};

const top = (flags: readonly string[], surroundings: Surroundings = {}) =>
  shunt(['top', '--interval', '0.1', ...flags], {
    ...surroundings,
    env: { SHUNT_SOCKET: socket, ...surroundings.env },
  });

describe('shunt top without a terminal', () => {
  test.each([{ flags: [] }, { flags: ['--once'] }])(
    'prints a table of one interval, with $flags',
    async ({ flags }) => {
      const view = growing();
      await serve(() => view);
      const { status, stdout, stderr } = await top([...flags, '--sort', 'name']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [header, cart, idle] = stdout.split('\n').map((line) => line.split(/ +/));
      expect(header).toEqual('SERVICE CONN/S FAIL/S REJ/S ACTIVE PEND P50 P99 OUT/S IN/S DGRAM/S'.split(' '));
      expect(cart?.[0]).toBe('shop/cart:80');
      expect(cart?.[4]).toBe('4');
      // Ten in 0.1 s and what it took to ask.
      expect(Number(cart?.[1])).toBeGreaterThan(20);
      expect(Number(cart?.[1])).toBeLessThanOrEqual(100);
      expect(Number(cart?.[2]) / Number(cart?.[1])).toBeCloseTo(0.2, 1);
      expect(idle).toEqual(['shop/idle:80', '0', '0', '0', '0', '0', '-', '-', '0', '0', '0']);
    },
  );

  test('prints one object, in one line, with --once -o json', async () => {
    const view = growing();
    await serve(() => view);
    const { stdout } = await top(['--once', '-o', 'json', 'shop/cart']);
    expect(stdout.match(/\n/g)).toHaveLength(1);
    const { node, intervalMs, totals, services } = JSON.parse(stdout);
    expect(node).toBe('worker-1');
    expect(services).toHaveLength(1);
    expect(services[0]).toMatchObject({ id: 'shop/cart//TCP', active: 4, rejectedPerS: 0 });
    expect((services[0].attemptsPerS * intervalMs) / 1000).toBeCloseTo(10, 6);
    expect(totals.failedPerS).toBe(services[0].failedPerS);
  });

  test('prints an object a line with -o json until it is asked to stop, and goes on when the agent was away', async () => {
    const view = growing();
    await serve(() => view);
    const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
    const parts = { run: { stopRequested: () => stopped } } as unknown as Partial<Parts>;
    const written: string[] = [];
    const ran = top(['-o', 'json'], { parts, onWrite: (text) => written.push(text) });
    const lines = () => written.filter((text) => text.startsWith('{')).length;
    await vi.waitFor(() => expect(lines()).toBeGreaterThan(2));
    await listener?.close();
    await vi.waitFor(() => expect(written.join('')).toContain(`no agent answers at ${socket}; trying again\n`));
    const before = lines();
    await serve(() => view);
    await vi.waitFor(() => expect(lines()).toBeGreaterThan(before + 1));
    stop('SIGTERM');
    const { status, stdout, stderr } = await ran;
    expect(status).toBe(0);
    expect(stderr.match(/\n/g)).toHaveLength(1);
    const objects = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const { totals, intervalMs } of objects) expect((totals.attemptsPerS * intervalMs) / 1000).toBeCloseTo(10, 6);
  });

  test.each([
    { flags: ['--interval', '0'], says: '--interval: `0` is not a number from 0.1 to 3600' },
    { flags: ['--interval', '2s'], says: '--interval: `2s` is not a number from 0.1 to 3600' },
    { flags: ['--sort', 'age'], says: '--sort: `age` is none of name, connections, failed' },
    { flags: ['-o', 'yaml'], says: '--output: `yaml` is neither table nor json' },
    { flags: ['a/b/c'], says: '`a/b/c` is not NAMESPACE[/NAME]' },
  ])('refuses $flags', async ({ flags, says }) => {
    const { status, stderr } = await top(flags);
    expect(status).toBe(2);
    expect(stderr).toContain(says);
  });

  test.each([{ flags: [] }, { flags: ['-o', 'json'] }])(
    'says that no agent answers, with $flags',
    async ({ flags }) => {
      const parts = { run: { stopRequested: () => new Promise(() => {}) } } as unknown as Partial<Parts>;
      const { status, stderr } = await top(flags, { parts });
      expect(status).toBe(1);
      expect(stderr).toContain(`no agent answers at ${socket}`);
    },
  );

  test('names what is near when a Service is not programmed', async () => {
    const view = growing();
    await serve(() => view);
    const { status, stderr } = await top(['--once', 'shop/crat']);
    expect(status).toBe(1);
    expect(stderr).toContain('no Service shop/crat is programmed; nearest by name: shop/cart');
  });
});

describe('shunt top on a terminal', () => {
  /** What is shown is everything that was written, in order. */
  const terminal = (size = { width: 80, height: 24 }) => {
    const state = { written: '', isOpen: false, opened: 0, ...size };
    let listening: Parameters<Terminals['open']>[0] | undefined;
    const terminals: Terminals = {
      isThere: true,
      open: (listener) => {
        listening = listener;
        state.isOpen = true;
        state.opened += 1;
        return {
          size: () => ({ width: state.width, height: state.height }),
          write: (text) => {
            state.written += text;
          },
          close: () => {
            state.isOpen = false;
          },
        };
      },
    };
    const press = (text: string, name = text): void => listening?.onKey({ name, ctrl: false, text });
    const resize = (width: number, height: number): void => {
      Object.assign(state, { width, height });
      listening?.onResize();
    };
    return { state, terminals, press, resize, hangUp: () => listening?.onEnd() };
  };

  const start = (
    shown: ReturnType<typeof terminal>,
    flags: readonly string[] = [],
    stopped = new Promise(() => {}),
  ) => {
    const run = { stopRequested: () => stopped };
    const parts = { run, terminals: async () => shown.terminals } as unknown as Partial<Parts>;
    return top(flags, { parts, columns: 80, env: { NO_COLOR: '1', LANG: 'C.UTF-8' } });
  };

  const until = (shown: ReturnType<typeof terminal>, what: string | RegExp) =>
    vi.waitFor(() => expect(shown.state.written).toMatch(what), { timeout: 5000 });

  test('shows rates, does what keys say, and gives the terminal back after q', async () => {
    const view = growing();
    await serve(() => view);
    const shown = terminal();
    const ran = start(shown);
    await until(shown, /shop\/cart:80 +\d\d +\d\d +0 +4 .*█/);
    expect(shown.state).toMatchObject({ isOpen: true, opened: 1 });
    shown.press('f');
    await until(shown, /by failed/);
    for (const key of ['/', 'i', 'd', 'l']) shown.press(key);
    shown.press('', 'return');
    await until(shown, /filter idl/);
    await until(shown, /1 to 1 of 1/);
    shown.resize(31, 10);
    await until(shown, /\[2J.*SERVICE {18}CONN\/S/);
    shown.press('q');
    expect(await ran).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(shown.state.isOpen).toBe(false);
  });

  test('waits for an agent that is not there yet, that starts, and that goes away', async () => {
    const shown = terminal();
    const ran = start(shown);
    await until(shown, /no agent answers at/);
    const view = growing();
    let started: AgentView | undefined;
    await serve(() => started);
    await until(shown, /answered 503: the agent/);
    started = view;
    await until(shown, /1 to 2 of 2/);
    await listener?.close();
    shown.state.written = '';
    await until(shown, /no agent answers at /);
    shown.state.written = '';
    await serve(() => view);
    await until(shown, /1 to 2 of 2/);
    shown.press('q');
    expect((await ran).status).toBe(0);
  });

  test.each([
    { what: 'a signal', end: (_: ReturnType<typeof terminal>, stop: () => void) => stop() },
    { what: 'the end of the terminal', end: (shown: ReturnType<typeof terminal>) => shown.hangUp() },
  ])('ends at $what, however long the interval', async ({ end }) => {
    const view = fakeView({ services: () => [port('shop/cart')] });
    await serve(() => view);
    const shown = terminal();
    const { promise, resolve } = Promise.withResolvers<string>();
    const ran = start(shown, ['--interval', '3600'], promise);
    await until(shown, /1 to 1 of 1/);
    end(shown, () => resolve('SIGTERM'));
    expect((await ran).status).toBe(0);
    expect(shown.state.isOpen).toBe(false);
  });

  test('gives the terminal back before it says what is wrong', async () => {
    const view = growing();
    await serve(() => view);
    const shown = terminal();
    const { status, stderr } = await start(shown, ['shop/crat']);
    expect(status).toBe(1);
    expect(stderr).toContain('no Service shop/crat is programmed');
    expect(shown.state).toMatchObject({ isOpen: false, opened: 1 });
  });

  test('prints a table with --once all the same', async () => {
    const view = growing();
    await serve(() => view);
    const shown = terminal();
    const run = { stopRequested: () => new Promise(() => {}) };
    const parts = { run, terminals: async () => shown.terminals } as unknown as Partial<Parts>;
    expect((await top(['--once'], { parts, columns: 80, env: { NO_COLOR: '1' } })).stdout).toContain('shop/cart:80');
    expect(shown.state.opened).toBe(0);
  });
});
