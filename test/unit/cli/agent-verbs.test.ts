import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentView } from '../../../src/agent/view.ts';
import { renderBackends } from '../../../src/cli/backends.ts';
import { buildAdmin } from '../../../src/http/admin.ts';
import { type Listener, listenUnix } from '../../../src/http/listen.ts';
import { backendView, fakeView, NO_COUNTERS, STATUS, serviceView } from '../http/fake-view.ts';
import { shunt } from './harness.ts';

let directory: string;
let listener: Listener | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-cli-'));
});

afterEach(async () => {
  await listener?.close();
  rmSync(directory, { recursive: true });
});

/** Runs a verb against an agent that shows this view. */
const ask = async (argv: readonly string[], view: AgentView | undefined = fakeView(), env = {}) => {
  const socket = join(directory, 'admin.sock');
  listener = await listenUnix(socket, buildAdmin({ view: () => view, onBug: () => {} }));
  return shunt(argv, { env: { SHUNT_SOCKET: socket, ...env } });
};

describe('shunt status', () => {
  test('shows state, source, last change and how full the tables are', async () => {
    const lastChange = {
      atMs: Date.now() - 5000,
      durationMs: 3.21,
      planMs: 1,
      applyMs: 1,
      ports: 12,
      writes: { backends: 1000, services: 200, slots: 30, frontends: 4, removed: 0 },
    };
    const { status, stdout } = await ask(
      ['status'],
      fakeView({ state: { lastChange, startedAtMs: Date.now() - 65_000 } }),
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^agent +shunt 1\.2\.3, pid 42, up 1m 5s, node worker-1\nstate +ready\nsource +file:\/objects, read$/m,
    );
    expect(stdout).toMatch(
      /^objects +1 Service, 2 EndpointSlices, 3 TrafficPolicies, 5 routes, 1 Node, 4 Pods\nclients +3 Pods known by cgroup, 1 without one yet\nsame node +4 sockets joined, 90 % of their messages redirected\nstatuses +written by this agent, 2 to be written, 4 written, 1 failed\ncomplaints +1 error, 2 warnings, 3 notes$/m,
    );
    expect(stdout).toMatch(/^last change +5s ago, 12 Service ports, 1,234 table entries, 3\.2 ms$/m);
    expect(stdout).toMatch(/^frontends +900 +1,000 +90 %$/m);
    expect(stdout).toMatch(/^connections +5 +65,536 +< 0\.01 %$/m);
  });

  test.each([
    { state: { unhealthy: 'table full' }, says: /^state +unhealthy: table full$/m },
    { state: { ready: false }, says: /^state +starting/m },
    {
      state: { source: { name: 'file:/x', synced: true, whole: false, trouble: 'ENOENT' } },
      says: /^source +file:\/x, in trouble: ENOENT$/m,
    },
    {
      state: { source: { name: 'file:/x', synced: true, whole: false, trouble: '' } },
      says: /^source +file:\/x, read in part: nothing is removed that nobody names$/m,
    },
  ])('says what is amiss: $says', async ({ state, says }) => {
    expect((await ask(['status'], fakeView({ state }))).stdout).toMatch(says);
  });

  test('shows each watch of an API server, and of its counters those that counted', async () => {
    const [watch] = STATUS.watches;
    const watches = [{ ...watch!, lastEventAtMs: Date.now() - 3000, lastBookmarkAtMs: Date.now() - 40_000 }];
    const { stdout } = await ask(['status'], fakeView({ state: { watches } }));
    expect(stdout).toMatch(/^services +v1 +1 +read +3s ago +40s ago +1 start, 2 expired +3 closed, 1 bad line$/m);
  });

  test('shows kinds that few clusters have, where there are any', async () => {
    const objects = { ...STATUS.objects, destinationRules: 1, referenceGrants: 2 };
    const { stdout } = await ask(['status'], fakeView({ state: { objects } }));
    expect(stdout).toMatch(/3 TrafficPolicies, 1 DestinationRule, 5 routes, 2 ReferenceGrants, 1 Node/);
  });

  test('shows who is not known as a client, and who writes statuses elsewhere', async () => {
    const state = {
      clients: { found: 1, waiting: 0, refused: 2 },
      sameNode: undefined,
      statusWriting: { isLeader: false, leader: 'worker-2_9a', pending: 0, writes: {} },
    };
    const { stdout } = await ask(['status'], fakeView({ state }));
    expect(stdout).toMatch(/^clients +1 Pod known by cgroup, 2 too deep\nstatuses +written by the agent worker-2_9a$/m);
  });

  test('shows neither where nothing asks for them', async () => {
    const state = { clients: { found: 0, waiting: 0, refused: 0 }, statusWriting: undefined };
    expect((await ask(['status'], fakeView({ state }))).stdout).not.toMatch(/^(clients|statuses)/m);
  });

  test.each<{ title: string; changes: Partial<NonNullable<(typeof STATUS)['sameNode']>>; line: string | undefined }>([
    { title: 'goes socket to socket', changes: {}, line: '4 sockets joined, 90 % of their messages redirected' },
    {
      title: 'is awaited',
      changes: { sockets: { candidate: 3, joined: 0, unfit: 0 }, messages: 0, fallbacks: {} },
      line: '0 sockets joined',
    },
    { title: 'cannot be done', changes: { attached: false, unavailable: 'EPERM' }, line: 'by TCP: EPERM' },
    { title: 'nobody asks for', changes: { attached: false }, line: undefined },
  ])('shows of connections on one node what $title', async ({ changes, line }) => {
    const sameNode = { ...STATUS.sameNode!, ...changes };
    const { stdout } = await ask(['status'], fakeView({ state: { sameNode } }));
    expect(/^same node +(.*)$/m.exec(stdout)?.[1]).toBe(line);
  });

  test('shows no watches of files', async () => {
    expect((await ask(['status'], fakeView({ state: { watches: [] } }))).stdout).not.toContain('WATCH');
  });

  test('says that a start with nothing changed wrote nothing', async () => {
    const writes = { backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 };
    const lastChange = { atMs: Date.now(), durationMs: 1, planMs: 1, applyMs: 0, ports: 12, writes };
    expect((await ask(['status'], fakeView({ state: { lastChange } }))).stdout).toContain(
      'the kernel held everything already',
    );
  });

  test('with -o json prints what the agent answered', async () => {
    const { stdout } = await ask(['status', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ version: '1.2.3', ready: true, capacity: { frontends: 1000 } });
  });

  test('lists errors, then warnings, and no notes', async () => {
    const about = { object: 'Service shop/cart', path: 'spec', origin: { file: 'cart.yaml', line: 8 } };
    const complaints = () =>
      (['note', 'warning', 'error'] as const).map((severity) => ({ ...about, severity, message: `a ${severity}` }));
    const { stdout } = await ask(['status'], fakeView({ complaints }));
    expect(stdout.split('\n').slice(-4)).toEqual([
      '',
      'cart.yaml:8: error: Service shop/cart spec: a error',
      'cart.yaml:8: warning: Service shop/cart spec: a warning',
      '',
    ]);
  });

  test.each([
    { many: 10, ends: /error: Service shop\/s9: is wrong\n$/ },
    { many: 12, ends: /error: Service shop\/s9: is wrong\nand 2 more: -o json\n$/ },
    { many: 0, ends: /^connections .*\n$/m },
  ])('of $many complaints lists the first ten, and -o json all', async ({ many, ends }) => {
    const all = Array.from({ length: many }, (_, index) => ({
      severity: 'error' as const,
      object: `Service shop/s${index}`,
      path: '',
      message: 'is wrong',
    }));
    const view = fakeView({ complaints: () => all });
    expect((await ask(['status'], view)).stdout).toMatch(ends);
    await listener?.close();
    const { stdout } = await ask(['status', '-o', 'json'], view);
    expect(JSON.parse(stdout).complaints).toEqual({ errors: 1, warnings: 2, notes: 3, all });
  });

  test('of an agent that is starting fails and says so', async () => {
    const starting = { SHUNT_SOCKET: join(directory, 'starting.sock') };
    listener = await listenUnix(starting.SHUNT_SOCKET, buildAdmin({ view: () => undefined, onBug: () => {} }));
    const { status, stderr } = await shunt(['status'], { env: starting });
    expect(status).toBe(1);
    expect(stderr).toContain('answered 503: the agent is starting');
  });
});

describe('shunt services', () => {
  test('lists Service ports with their numbers', async () => {
    const { stdout } = await ask(['services']);
    const [header, cart, idle] = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(header).toEqual([
      'SERVICE',
      'PORT',
      'ADDRESSES',
      'CHOICE',
      'BACKENDS',
      'ACTIVE',
      'ATTEMPTS',
      'FAILED',
      'REJECTED',
      'DATAGRAMS',
      'SENT',
      'RECEIVED',
    ]);
    expect(cart).toEqual([
      'shop/cart',
      'grpc 7070/TCP',
      '10.96.0.5:7070 [fd00:10:96::77]:7070 node:30080',
      'WeightedRandom',
      '2',
      '2',
      '10',
      '3',
      '3',
      '7',
      '2.0 KiB',
      '2.9 MiB',
    ]);
    expect(idle?.slice(0, 5)).toEqual([
      'shop/idle',
      '7070/TCP',
      '10.96.0.5:7070 [fd00:10:96::77]:7070 node:30080',
      'WeightedRandom',
      '0',
    ]);
  });

  test('names the route that shares the connections, in place of the algorithm', async () => {
    const services = () => [serviceView({ route: 'TCPRoute shop/canary' })];
    expect((await ask(['services'], fakeView({ services }))).stdout).toMatch(/node:30080 +TCPRoute shop\/canary +2/);
  });

  test.each([
    { filter: 'shop', found: ['shop/cart', 'shop/idle'] },
    { filter: 'shop/idle', found: ['shop/idle'] },
    { filter: 'shop-old', found: ['shop-old/cart'] },
  ])('of $filter are $found', async ({ filter, found }) => {
    const { stdout } = await ask(['services', filter, '-o', 'json']);
    const { services } = JSON.parse(stdout) as { services: ReturnType<typeof serviceView>[] };
    expect(services.map(({ namespace, service }) => `${namespace}/${service}`)).toEqual(found);
  });

  test('asks the agent only for what it shows', async () => {
    const asked: (string | undefined)[] = [];
    const services = (only?: string) => {
      asked.push(only);
      return [serviceView()];
    };
    await ask(['services', 'shop/cart'], fakeView({ services }));
    expect(asked).toEqual(['shop/cart']);
  });
});

describe.each(['services', 'backends'])('shunt %s', (verb) => {
  test('fails for a Service that is not programmed', async () => {
    const { status, stdout, stderr } = await ask([verb, 'shop/none']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('no Service shop/none is programmed');
  });

  test.each([
    { text: 'shop/crat', says: 'no Service shop/crat is programmed; nearest by name: shop/cart' },
    { text: 'sho', says: 'no Service of namespace sho is programmed; nearest by name: shop' },
    { text: 'cart', says: 'no Service of namespace cart is programmed; nearest by name: shop-old/cart, shop/cart' },
    { text: 'idel', says: 'no Service of namespace idel is programmed; nearest by name: shop/idle' },
  ])('of `$text`, which is not there, names what is near', async ({ text, says }) => {
    const { status, stdout, stderr } = await ask([verb, text]);
    expect({ status, stdout, stderr: stderr.split('\n')[0] }).toEqual({
      status: 1,
      stdout: '',
      stderr: `shunt: ${says} (SHUNT_E_NO_SERVICE)`,
    });
  });

  test('of a node without any Service says so', async () => {
    const view = fakeView({ services: () => [], backends: () => [] });
    expect((await ask([verb, 'shop'], view)).stderr).toContain(
      'no Service of namespace shop is programmed; nearest by name: none',
    );
    await listener?.close();
    const { status, stdout } = await ask([verb, '-o', 'json'], view);
    expect({ status, data: JSON.parse(stdout) }).toEqual({ status: 0, data: { [verb]: [] } });
  });

  test.each(['shop/cart/80', '/cart', 'shop/', ''])('does not take `%s` for a Service', async (text) => {
    const { status, stderr } = await ask([verb, text]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `shunt: \`${text}\` is not NAMESPACE[/NAME] (SHUNT_E_ARGUMENTS)\nSee \`shunt ${verb} --help\`.\n`,
    });
  });
});

test('shunt backends lists endpoints with weight, share and what became of connections', async () => {
  const backends = () => [
    backendView({ share: 1 / 3, observed: { share: 0.051, of: 2310, sinceMs: 1 } }),
    backendView({ address: 'fd00::1', stats: NO_COUNTERS, share: 2 / 3, observed: { share: 0, of: 0, sinceMs: 1 } }),
  ];
  const { stdout } = await ask(['backends', 'shop/cart'], fakeView({ backends }));
  const [, first, second] = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(first).toEqual([
    'shop/cart/grpc/TCP',
    '10.244.1.41:7070',
    'WeightedRandom',
    '1',
    '33.3 %',
    '5.1 % of 2,310',
    '2',
    '10',
    '3',
    '7',
    '2.0 KiB',
    '2.9 MiB',
  ]);
  expect(second?.slice(1, 5)).toEqual(['[fd00::1]:7070', 'WeightedRandom', '1', '66.7 %']);
  expect(second?.[5]).toBe('-');
});

test('shunt backends marks a share that chance does not explain, on a terminal', () => {
  const observed = { share: 0.4, of: 1000, sinceMs: 1 };
  const marked = (share: number) =>
    renderBackends([backendView({ share, observed })], { style: (format, text) => `${format}<${text}>` });
  expect(marked(0.5)).toContain('yellow<40 % of 1,000>');
  expect(marked(0.41)).not.toContain('<40 %');
});

test('shunt backends says whose endpoint each is, and for which clients, where that differs', async () => {
  const backends = () => [
    backendView({ arm: 'shop/cart-v2:7070', route: 'TCPRoute shop/canary', algorithm: 'PeakEwma' }),
    backendView({ arm: 'shop/cart:7070', variant: 7, clients: 'namespace checkout, ring=testers' }),
    backendView({}),
  ];
  const { stdout } = await ask(['backends'], fakeView({ backends }));
  const lines = stdout.split('\n').map((line) => line.split(/ {2,}/).slice(2, 6));
  expect(lines.slice(0, 4)).toEqual([
    ['OF', 'BY', 'CLIENTS', 'CHOICE'],
    ['shop/cart-v2:7070', 'TCPRoute shop/canary', 'all', 'PeakEwma'],
    ['shop/cart:7070', '-', 'namespace checkout, ring=testers', 'WeightedRandom'],
    ['-', '-', 'all', 'WeightedRandom'],
  ]);
});

test('shunt backends shows what is refused, and what still is connected to endpoints that get nothing new', async () => {
  const { algorithm: _, ...left } = backendView({ weight: 0, share: 0, stats: { active: 3, pending: 1 } });
  const refused = { address: '', port: 0, arm: 'shop/gone:80', weight: 0, share: 0.05, stats: { rejected: 12 } };
  const backends = () => [
    backendView({}),
    { ...left, ...refused, state: 'refused', family: 4 } as const,
    { ...left, ...refused, state: 'refused', stats: {} } as const,
    { ...left, state: 'drained' } as const,
    { ...left, state: 'earlier' } as const,
  ];
  const { stdout } = await ask(['backends', 'shop/cart'], fakeView({ backends }));
  const lines = stdout.split('\n').map((line) => line.split(/ {2,}/).slice(1));
  expect(lines.slice(0, 6)).toEqual([
    'BACKEND OF CHOICE WEIGHT SHARE OBSERVED ACTIVE ATTEMPTS FAILED REJECTED DATAGRAMS SENT RECEIVED'.split(' '),
    ['10.244.1.41:7070', '-', 'WeightedRandom', '1', '50 %', '-', '2', '10', '3', '3', '7', '2.0 KiB', '2.9 MiB'],
    ['refused (IPv4)', 'shop/gone:80', '-', '-', '5 %', '-', '-', '-', '-', '12', '-', '-', '-'],
    ['refused', 'shop/gone:80', '-', '-', '5 %', '-', '-', '-', '-', '-', '-', '-', '-'],
    ['10.244.1.41:7070', '-', 'drained', '0', '0 %', '-', '3', '-', '-', '-', '-', '-', '-'],
    ['10.244.1.41:7070', '-', 'earlier choice', '0', '0 %', '-', '3', '-', '-', '-', '-', '-', '-'],
  ]);
});

test.each([
  { only: 'shop', found: ['shop/cart'] },
  { only: 'shop/cart', found: ['shop/cart'] },
  { only: 'shop/idle', found: [] },
])('shunt backends of $only are those of $found', async ({ only, found }) => {
  const { status, stdout } = await ask(['backends', only, '-o', 'json']);
  const { backends } = JSON.parse(stdout) as { backends: ReturnType<typeof backendView>[] };
  expect({ status, found: backends.map(({ service }) => service) }).toEqual({ status: 0, found });
});

test('shunt explain asks the agent with the address in its one spelling', async () => {
  const { status, stdout } = await ask(['explain', '[FD00:0::1]:53/udp', '-o', 'json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ question: { address: 'fd00::1', port: 53, protocol: 'UDP' } });
});

test('shunt explain asks for a Pod with --from', async () => {
  const { stdout } = await ask(['explain', '--from', 'shop/web-0', '10.96.0.1:80', '-o', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({ question: { client: 'shop/web-0' } });
});

describe('shunt unload', () => {
  const unloaded = { programs: ['shunt_connect4'], sets: ['/sys/fs/bpf/shunt/a'] };
  const unload = async () => unloaded;

  test('refuses while an agent answers', async () => {
    const { status, stderr } = await ask(['unload']);
    expect(status).toBe(1);
    expect(stderr).toContain('an agent is running: it answers at ');
  });

  test.each([
    { title: 'with --force also then', argv: ['unload', '--force'] },
    { title: 'without an agent', argv: ['unload', '--socket', '/nonexistent.sock'] },
  ])('removes and says what, $title', async ({ argv }) => {
    const asked: string[] = [];
    const parts = {
      unload: (bpfRoot: string) => {
        asked.push(bpfRoot);
        return unload();
      },
    };
    const { status, stdout } = await shunt([...argv, '--bpf-root', '/sys/fs/bpf/other'], { parts });
    expect({ status, stdout, asked }).toEqual({
      status: 0,
      stdout: 'removed program shunt_connect4\nremoved tables /sys/fs/bpf/shunt/a\n',
      asked: ['/sys/fs/bpf/other'],
    });
  });

  test.each([
    { roots: [], hint: '' },
    {
      roots: ['/sys/fs/bpf/a', '/sys/fs/bpf/b'],
      hint: '; it is at /sys/fs/bpf/a, /sys/fs/bpf/b: give --bpf-root',
    },
  ])('says when there was nothing, while it is loaded at $roots', async ({ roots, hint }) => {
    const parts = { unload: async () => ({ programs: [], sets: [] }), loadedRoots: async () => roots };
    const { stdout } = await shunt(['unload', '--socket', '/nonexistent.sock'], { parts });
    expect(stdout).toBe(`nothing of Shunt is loaded at /sys/fs/bpf/shunt${hint}\n`);
  });
});
