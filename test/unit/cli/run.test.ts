import { describe, expect, test } from 'vitest';
import type { Agent, AgentObserver } from '../../../src/agent/agent.ts';
import type { Log, RunParts, Served } from '../../../src/cli/parts.ts';
import { ShuntError } from '../../../src/errors.ts';
import { fakeView } from '../http/fake-view.ts';
import { shunt } from './harness.ts';

const CHANGE = {
  atMs: 0,
  durationMs: 1,
  planMs: 1,
  applyMs: 1,
  ports: 1,
  writes: { backends: 0, services: 0, slots: 0, frontends: 0, removed: 0 },
};

/** Runs `shunt run` on parts that write down what happens to them, in its order. */
const run = async (argv: readonly string[], changes: Partial<RunParts> = {}, env = {}) => {
  const told: string[] = [];
  const stopped = Promise.withResolvers<string>();
  const served: Served[] = [];
  const sources: unknown[] = [];
  let observer: AgentObserver | undefined;
  const say =
    (name: string) =>
    (fields: object, message: string): void => {
      told.push(`${name}: ${message}${'err' in fields ? ` (${(fields.err as Error).message})` : ''}`);
      if ('source' in fields) sources.push(fields.source);
    };
  const log: Log = {
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    change: () => told.push('log change'),
    complaints: (complaints) => told.push(`log ${complaints.length} complaints`),
  };
  const listener = (name: string, address: string) => ({ address, close: async () => void told.push(`close ${name}`) });
  const agent: Agent = {
    ...fakeView(),
    start: async () => {
      told.push('start agent');
      observer?.onSynced();
      observer?.onReady(CHANGE, true);
      // In the middle of its work, not at once.
      setTimeout(() => stopped.resolve('SIGTERM'), 5);
    },
    stop: async () => void told.push('stop agent'),
  };
  const parts: RunParts = {
    readFile: () => 'nodeName: from-file\n',
    hostname: () => 'worker-1',
    openLog: async () => log,
    openAgent: async (config, _, given) => {
      told.push(
        `open agent of ${config.nodeName}, view ${served[0]?.view() === undefined ? 'not yet' : 'already'} served`,
      );
      observer = given;
      return agent;
    },
    openMetrics: async () => ({
      recordChange: () => told.push('count change'),
      recordFailure: () => told.push('count failure'),
      recordSocketsEnded: (count) => told.push(`count ${count} sockets`),
      recordLostEnded: (count) => told.push(`count ${count} lost`),
      recordSocketsFailure: () => told.push('count sockets failure'),
      recordProgrammed: () => told.push('count programmed'),
      scrape: async () => ({ type: '', body: [] }),
    }),
    listenAdmin: async (path, given) => {
      told.push(`listen on ${path}`);
      served.push(given);
      return listener('admin', path);
    },
    listenPublic: async (host, port) => {
      told.push(`listen on ${host}:${port}`);
      return listener('public', `${host}:${port}`);
    },
    listenPage: async (at) => {
      const address = 'host' in at ? `${at.host}:${at.port}` : at.path;
      told.push(`show the page on ${address}`);
      return listener('page', address);
    },
    stopRequested: () => stopped.promise,
    releaseMemory: async () => void told.push('release memory'),
    keepMemoryLow: async () => {
      told.push('keep memory low');
      return () => void told.push('let memory grow');
    },
    ...changes,
  };
  const mountinfo = '41 31 0:38 / /sys/fs/cgroup rw - cgroup2 none rw\n';
  const host = async () =>
    ({ read: () => mountinfo, inode: () => 1, exists: (path: string) => path !== '/nowhere' }) as never;
  const ran = await shunt(['run', ...argv], { parts: { run: parts, host }, env });
  return { ...ran, told, served, sources, observer };
};

describe('shunt run', () => {
  test.each([
    [1000, ['release memory']],
    [999, []],
  ])('after a change of %i ports it gives memory back: %j', async (ports, expected) => {
    const { observer, told } = await run(['--source', 'file:/objects']);
    observer?.onChange({ ...CHANGE, ports });
    await new Promise(setImmediate);
    // At the start it does so twice, whatever changes.
    expect(told.filter((each) => each === 'release memory').slice(2)).toEqual(expected);
  });

  test('takes the admin socket before it touches the kernel, and ends everything in reverse', async () => {
    const { status, told, sources } = await run(['--source', 'file:/objects']);
    expect({ status, sources }).toEqual({ status: 0, sources: ['file:/objects'] });
    expect(told).toEqual([
      'listen on /run/shunt/admin.sock',
      'listen on 127.0.0.1:10377',
      'info: serving metrics',
      'open agent of worker-1, view not yet served',
      'info: starting',
      'release memory',
      'start agent',
      'release memory',
      'log change',
      'count change',
      'info: ready: everything that existed at the start is in force',
      'keep memory low',
      'info: stopping; the kernel goes on routing',
      'stop agent',
      'let memory grow',
      'close public',
      'close admin',
    ]);
  });

  test('that is told to stop as soon as it is ready does not begin to keep memory low', async () => {
    const { told } = await run(['--source', 'file:/objects'], { stopRequested: async () => 'SIGTERM' });
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(told).not.toContain('keep memory low');
  });

  test('serves the view once the agent is open', async () => {
    const { served } = await run(['--source', 'file:/objects']);
    expect(served[0]?.view()?.status().version).toBe('1.2.3');
    expect(await served[0]?.scrape()).toMatchObject({ type: '' });
  });

  test('does not listen when told so', async () => {
    const { told } = await run(['--source', 'file:/objects', '--listen', 'off']);
    expect(told).not.toContainEqual(expect.stringContaining('127.0.0.1'));
  });

  test('shows no page unless it is told to', async () => {
    const { told } = await run(['--source', 'file:/objects']);
    expect(told).not.toContainEqual(expect.stringContaining('page'));
  });

  test('shows the page from before the kernel is touched until the agent has stopped', async () => {
    const { told } = await run(['--source', 'file:/objects', '--ui', 'on']);
    const steps = told.filter((each) => /page|^open agent|^stop agent|public/.test(each));
    expect(steps).toEqual([
      'show the page on 127.0.0.1:10378',
      'info: serving the live page',
      'open agent of worker-1, view not yet served',
      'stop agent',
      'close page',
      'close public',
    ]);
  });

  test.each([
    { ui: '127.0.0.2:9000', isWarned: false },
    { ui: '[::1]:9000', isWarned: false },
    { ui: 'localhost:9000', isWarned: false },
    { ui: '/run/page.sock', isWarned: false },
    { ui: '0.0.0.0:9000', isWarned: true },
    { ui: '[::]:9000', isWarned: true },
    { ui: '10.0.0.7:9000', isWarned: true },
    { ui: '127.0.0.1.example:9000', isWarned: true },
  ])('that shows the page at $ui warns of others who may reach it: $isWarned', async ({ ui, isWarned }) => {
    const { told } = await run(['--source', 'file:/objects', '--ui', ui]);
    const warning = expect.stringMatching(/^warn: the live page is served where other machines may reach it/);
    if (isWarned) expect(told).toContainEqual(warning);
    else expect(told).not.toContainEqual(warning);
  });

  test('reads the file that a variable names', async () => {
    const { told } = await run(['--source', 'file:/objects'], {}, { SHUNT_CONFIG: 'shunt.yaml' });
    expect(told).toContain('open agent of from-file, view not yet served');
  });

  test.each([
    { argv: ['--source', 'file:/objects'], env: {}, source: 'file:/objects' },
    { argv: [], env: { KUBERNETES_SERVICE_HOST: '10.96.0.1' }, source: 'kubernetes' },
    { argv: ['--kubeconfig', '/etc/config'], env: {}, source: 'kubernetes, as /etc/config says' },
  ])('with $argv and $env says that it reads $source', async ({ argv, env, source }) => {
    const { status, sources } = await run(argv, {}, env);
    expect({ status, sources }).toEqual({ status: 0, sources: [source] });
  });

  test('opens nothing when a setting is wrong', async () => {
    const { status, stderr, told } = await run(['--source', 'kubernetes']);
    expect({ status, told }).toEqual({ status: 2, told: [] });
    expect(stderr).toContain('outside of a Pod --kubeconfig FILE is needed');
  });

  test('beside a running agent ends without touching the kernel', async () => {
    const listenAdmin = async (socket: string) => {
      throw new ShuntError('SHUNT_E_RUNNING', { socket });
    };
    const { status, stderr, told } = await run(['--source', 'file:/objects'], { listenAdmin });
    expect({ status, told }).toEqual({ status: 1, told: [] });
    expect(stderr).toContain('an agent is running: it answers at /run/shunt/admin.sock');
  });

  test('closes what it opened when the kernel refuses', async () => {
    const openAgent = async () => {
      throw new ShuntError('SHUNT_E_READ', { path: 'bpf', reason: 'refused' });
    };
    const { status, told } = await run(['--source', 'file:/objects'], { openAgent });
    expect(status).toBe(1);
    expect(told.slice(-2)).toEqual(['close public', 'close admin']);
  });

  test('is ready with a warning when a part of the source never could be read', async () => {
    const { observer, told } = await run(['--source', 'file:/objects']);
    told.length = 0;
    observer?.onReady(CHANGE, false);
    expect(told).toEqual([
      'log change',
      'count change',
      'warn: ready: what could be read is in force; a part of the source never could be, so nothing is removed that nobody names',
    ]);
  });

  test('logs and counts what the agent tells', async () => {
    const { observer, told } = await run(['--source', 'file:/objects']);
    told.length = 0;
    observer?.onChange(CHANGE);
    observer?.onProgrammed([1]);
    observer?.onComplaints([]);
    observer?.onSourceTrouble(new Error('ENOENT'));
    observer?.onSourceTrouble(undefined);
    observer?.onFailure(new Error('table full'), 100);
    observer?.onSocketsKept();
    observer?.onSocketsEnded(3);
    observer?.onSocketsFailure(new Error('EPERM'), 1000);
    observer?.onLostEnded(2);
    observer?.onLostFailure(new Error('ENOENT'), 1000);
    expect(told).toEqual([
      'log change',
      'count change',
      'count programmed',
      'log 0 complaints',
      'warn: the source is in trouble; what was read stays in force (ENOENT)',
      'info: the source is well again',
      'error: a change was not applied; trying again (table full)',
      'count failure',
      'warn: this kernel cannot wake connected UDP sockets whose endpoint is gone',
      'info: woke connected UDP sockets whose endpoint is gone',
      'count 3 sockets',
      'warn: connected UDP sockets whose endpoint is gone were not woken; trying again (EPERM)',
      'count sockets failure',
      'info: counted connections as ended whose sockets are gone',
      'count 2 lost',
      'warn: could not tell which connections are lost; trying again (ENOENT)',
    ]);
  });

  test('says that there are no network namespaces to be looked into, and goes on', async () => {
    const { told } = await run(['--source', 'file:/objects', '--netns', '/nowhere']);
    expect(told).toContainEqual(expect.stringMatching(/^warn: the directory of network namespaces does not exist/));
    expect(told).toContain('start agent');
  });
});
