import { describe, expect, test } from 'vitest';
import { findCgroupRoot } from '../../../src/agent/cgroup-root.ts';
import { type ConfigInput, configPath, readConfig } from '../../../src/agent/config.ts';

const SOURCE = { source: 'file:/objects' };
const IN_POD = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };
const machine = { hostname: 'Worker-1', cgroupRoot: { path: '/sys/fs/cgroup', isMachines: true } };
const container = { ...machine, cgroupRoot: { path: '/sys/fs/cgroup', isMachines: false } };
const read = (input: Partial<ConfigInput> = {}) => readConfig({ flags: SOURCE, env: {}, machine, ...input });
const file = (text: string) => ({ path: 'shunt.yaml', text });

test('only the source must be given', () => {
  const config = read();
  expect(config).toEqual({
    source: { kind: 'file', path: '/objects' },
    cgroup: '/sys/fs/cgroup',
    bpfRoot: '/sys/fs/bpf/shunt',
    listen: { host: '127.0.0.1', port: 10_377 },
    socket: '/run/shunt/admin.sock',
    nodeName: 'worker-1',
    serviceProxyName: '',
    externalIPs: false,
    sameNode: true,
    istioMetrics: false,
    netns: '/var/run/netns',
    connections: 65_536,
    logLevel: 'info',
    logFormat: 'auto',
  });
  expect(Object.isFrozen(config)).toBe(true);
});

describe('the source', () => {
  const fromPod = { kind: 'kubernetes', kubeconfig: undefined, context: undefined };
  test.each([
    { title: 'is the API server in a Pod', input: { flags: {}, env: IN_POD }, source: fromPod },
    {
      title: 'is the API server in a Pod, too, when that is said',
      input: { flags: { source: 'kubernetes' }, env: IN_POD },
      source: fromPod,
    },
    {
      title: 'is files in a Pod when that is said',
      input: { env: IN_POD },
      source: { kind: 'file', path: '/objects' },
    },
    {
      title: 'is the API server that a kubeconfig names',
      input: { flags: { kubeconfig: 'config' } },
      source: { ...fromPod, kubeconfig: 'config' },
    },
    {
      title: 'is the one of a kubeconfig in a Pod, too',
      input: { flags: { kubeconfig: 'config', context: 'test' }, env: IN_POD },
      source: { kind: 'kubernetes', kubeconfig: 'config', context: 'test' },
    },
    {
      title: 'may come from variables and from a file',
      input: { flags: {}, env: { SHUNT_CONTEXT: 'test' }, file: file('kubeconfig: /etc/config') },
      source: { kind: 'kubernetes', kubeconfig: '/etc/config', context: 'test' },
    },
  ])('$title', ({ input, source }) => {
    expect(read(input).source).toEqual(source);
  });
});

describe('precedence', () => {
  const flags = { ...SOURCE, 'node-name': 'flag' };
  const env = { SHUNT_NODE_NAME: 'variable', NODE_NAME: 'downward' };
  test.each([
    { title: 'a flag goes before everything', input: { flags, env, file: file('nodeName: file') }, name: 'flag' },
    { title: 'a variable goes before the file', input: { env, file: file('nodeName: file') }, name: 'variable' },
    {
      title: 'the file goes before NODE_NAME',
      input: { env: { NODE_NAME: 'downward' }, file: file('nodeName: file') },
      name: 'file',
    },
    { title: 'NODE_NAME goes before the host name', input: { env: { NODE_NAME: 'downward' } }, name: 'downward' },
    { title: 'an empty variable is not set', input: { env: { SHUNT_NODE_NAME: '' } }, name: 'worker-1' },
  ])('$title', ({ input, name }) => {
    expect(read(input).nodeName).toBe(name);
  });
});

test('the file has the same settings in camelCase', () => {
  const text =
    'bpfRoot: /sys/fs/bpf/other\nlisten: "[::1]:9000"\nconnections: 2048\nserviceProxyName: shunt\nlogLevel: debug\n';
  expect(read({ file: file(text) })).toMatchObject({
    bpfRoot: '/sys/fs/bpf/other',
    listen: { host: '::1', port: 9000 },
    connections: 2048,
    serviceProxyName: 'shunt',
    logLevel: 'debug',
  });
});

test.each([
  { title: 'off', input: { flags: { ...SOURCE, listen: 'off' } } },
  { title: 'false in the file', input: { file: file('listen: false') } },
])('listening can be turned off by $title', ({ input }) => {
  expect(read(input).listen).toBeUndefined();
});

test.each([
  { given: {}, ui: undefined },
  { given: { flags: { ...SOURCE, ui: 'off' } }, ui: undefined },
  { given: { flags: { ...SOURCE, ui: 'on' } }, ui: { host: '127.0.0.1', port: 10_378 } },
  { given: { file: file('ui: on') }, ui: { host: '127.0.0.1', port: 10_378 } },
  { given: { env: { SHUNT_UI: '[::]:9000' } }, ui: { host: '::', port: 9000 } },
  { given: { flags: { ...SOURCE, ui: 'node-1:9000' } }, ui: { host: 'node-1', port: 9000 } },
  { given: { flags: { ...SOURCE, ui: '/run/page.sock' } }, ui: { path: '/run/page.sock' } },
])('with $given the live page is at $ui', ({ given, ui }) => {
  expect(read(given).ui).toEqual(ui);
});

test('an empty file sets nothing', () => {
  expect(read({ file: file('# nothing\n') })).toEqual(read());
});

describe('what is not allowed is refused with its name, its value and what is', () => {
  const flag = (name: string, value: string) => ({ flags: { ...SOURCE, [name]: value } });
  test.each([
    {
      input: { flags: {} },
      says: '--source: to leave it out is not allowed; file:PATH, or --kubeconfig FILE, is needed outside of a Pod',
    },
    {
      input: flag('source', 'kubernetes'),
      says: '--source: `kubernetes` is not allowed; outside of a Pod --kubeconfig FILE is needed with it',
    },
    { input: flag('source', 'file:'), says: '--source: `file:` is not allowed; kubernetes or file:PATH is' },
    {
      input: flag('kubeconfig', 'a'),
      says: '--source: `file:/objects` is not allowed; --kubeconfig is for `kubernetes`',
    },
    {
      input: { flags: { context: 'test' }, env: IN_POD },
      says: '--source: `kubernetes` is not allowed; --context needs --kubeconfig FILE',
    },
    { input: flag('cgroup', 'relative'), says: '--cgroup: `relative` is not allowed; an absolute path is' },
    { input: flag('listen', '9377'), says: '--listen: `9377` is not allowed; HOST:PORT, [IPV6]:PORT or off is' },
    { input: flag('listen', 'localhost:65536'), says: '--listen: `localhost:65536`' },
    { input: flag('listen', '::1:80'), says: '--listen: `::1:80`' },
    {
      input: flag('ui', 'yes'),
      says: '--ui: `yes` is not allowed; on, off, HOST:PORT, [IPV6]:PORT or an absolute path is',
    },
    { input: flag('ui', `/${'x'.repeat(107)}`), says: 'an absolute path of at most 107 bytes is' },
    { input: flag('socket', `/${'x'.repeat(107)}`), says: 'an absolute path of at most 107 bytes is' },
    { input: flag('node-name', 'a_b'), says: '--node-name: `a_b`' },
    { input: flag('service-proxy-name', 'a b'), says: '--service-proxy-name: `a b`' },
    {
      input: flag('connections', '65537'),
      says: '--connections: `65537` is not allowed; a power of two from 1024 to 16777216 is',
    },
    { input: flag('netns', 'netns'), says: '--netns: `netns` is not allowed; an absolute path is' },
    { input: flag('connections', '512'), says: '--connections: `512`' },
    { input: flag('connections', '0x800'), says: '--connections: `0x800`' },
    { input: flag('connections', '33554432'), says: '--connections: `33554432`' },
    {
      input: flag('log-level', 'verbose'),
      says: '--log-level: `verbose` is not allowed; one of debug, info, warn, error, silent is',
    },
    { input: flag('log-format', 'xml'), says: '--log-format: `xml` is not allowed; one of auto, json, text is' },
    { input: { env: { SHUNT_CONNECTIONS: 'many' } }, says: 'SHUNT_CONNECTIONS: `many`' },
    { input: { file: file('connections: many') }, says: 'connections in shunt.yaml: `many`' },
    {
      input: { file: file('conections: 2048') },
      says: 'conections in shunt.yaml: this key is not allowed; source, kubeconfig, context, cgroup,',
    },
    { input: { file: file('config: other.yaml') }, says: 'config in shunt.yaml: this key is not allowed' },
    {
      input: { file: file('connections: [1024]') },
      says: 'connections in shunt.yaml: [1024] is not allowed; one string or number is',
    },
    { input: { file: file('- source') }, says: '--config: `shunt.yaml` is not allowed; a YAML mapping of settings is' },
    { input: { file: file('a: b: c') }, says: '--config: `shunt.yaml` is not allowed; valid YAML is: ' },
    {
      input: { machine: { hostname: 'a', cgroupRoot: undefined } },
      says: '--cgroup: to leave it out is not allowed; PATH is needed',
    },
    {
      input: { machine: container },
      says: "--cgroup: to leave it out is not allowed; /sys/fs/cgroup is the root of a cgroup namespace only: run in the machine's",
    },
  ])('$says', ({ input, says }) => {
    const error = (() => {
      try {
        return read(input as Partial<ConfigInput>);
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(error).toMatchObject({ code: 'SHUNT_E_CONFIG', status: 2, message: expect.stringContaining(says) });
  });
});

test.each([
  { from: 'a flag', input: { flags: { ...SOURCE, cgroup: '/sys/fs/cgroup' } } },
  { from: 'a variable', input: { env: { SHUNT_CGROUP: '/sys/fs/cgroup' } } },
  { from: 'the file', input: { file: file('cgroup: /sys/fs/cgroup') } },
])('in a cgroup namespace of its own it attaches where $from says, also to the root of that', ({ input }) => {
  expect(read({ machine: container, ...input }).cgroup).toBe('/sys/fs/cgroup');
});

test('the path of the file is a flag or a variable', () => {
  expect(configPath({ flags: { config: 'a' }, env: { SHUNT_CONFIG: 'b' } })).toBe('a');
  expect(configPath({ flags: {}, env: { SHUNT_CONFIG: 'b' } })).toBe('b');
  expect(configPath({ flags: {}, env: {} })).toBeUndefined();
});

describe('findCgroupRoot', () => {
  const line = (root: string, path: string, type: string) =>
    `41 31 0:38 ${root} ${path} rw,relatime shared:9 - ${type} none rw\n`;
  test.each([
    { title: 'finds a pure hierarchy', mountinfo: line('/', '/sys/fs/cgroup', 'cgroup2'), found: '/sys/fs/cgroup' },
    {
      title: 'finds a hybrid one behind those of version 1',
      mountinfo: line('/', '/sys/fs/cgroup/cpu', 'cgroup') + line('/', '/sys/fs/cgroup/unified', 'cgroup2'),
      found: '/sys/fs/cgroup/unified',
    },
    {
      title: 'does not take a part that is mounted elsewhere',
      mountinfo: line('/a', '/mnt', 'cgroup2'),
      found: undefined,
    },
    { title: 'reads escaped spaces', mountinfo: line('/', '/my\\040cgroup', 'cgroup2'), found: '/my cgroup' },
    { title: 'finds nothing where there is none', mountinfo: '', found: undefined },
  ])('$title', ({ mountinfo, found }) => {
    expect(findCgroupRoot(mountinfo, () => 1)?.path).toBe(found);
  });

  test.each([
    { inode: 1, isMachines: true },
    { inode: 4711, isMachines: false },
    { inode: undefined, isMachines: false },
  ])('with the number $inode it is that of the machine: $isMachines', ({ inode, isMachines }) => {
    const inodeOf = (path: string) => (path === '/my cgroup' ? inode : 2);
    expect(findCgroupRoot(line('/', '/my\\040cgroup', 'cgroup2'), inodeOf)).toEqual({ path: '/my cgroup', isMachines });
  });
});
