import { describe, expect, test } from 'vitest';
import type { Host } from '../../../src/cli/doctor/host.ts';
import { shunt } from './harness.ts';

const VERBS = ['run', 'unload', 'plan', 'status', 'services', 'backends', 'explain', 'doctor', 'version'];

describe('help', () => {
  test('shunt --help names every verb', async () => {
    const { status, stdout } = await shunt(['--help']);
    expect(status).toBe(0);
    for (const verb of [...VERBS, 'demo']) expect(stdout).toMatch(new RegExp(`^ {2}${verb} +\\w`, 'm'));
  });

  test.each(VERBS)('shunt %s --help says usage, flags, variables and examples', async (verb) => {
    const { status, stdout, stderr } = await shunt([verb, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: shunt ${verb}\\b`));
    expect(stdout).toContain('Flags\n');
    expect(stdout).toMatch(new RegExp(`Examples\n(.|\n)*shunt ${verb}\\b`));
  });

  test('shunt help VERB is the same as shunt VERB --help', async () => {
    expect(await shunt(['help', 'plan'])).toEqual(await shunt(['plan', '--help']));
  });

  test('run --help gives each setting its default and its variable', async () => {
    const { stdout } = await shunt(['run', '--help']);
    expect(stdout).toMatch(/--bpf-root PATH .*\(default: \/sys\/fs\/bpf\/shunt; SHUNT_BPF_ROOT\)/);
    expect(stdout).toMatch(/--service-proxy-name NAME .*default: ''; SHUNT_SERVICE_PROXY_NAME/);
  });

  test('without a verb the help goes to stderr, and that is a usage error', async () => {
    const { status, stdout, stderr } = await shunt([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: shunt VERB');
  });
});

describe('errors', () => {
  test.each([
    { argv: ['stauts'], says: 'there is no verb `stauts` (SHUNT_E_UNKNOWN_VERB)\nDid you mean `shunt status`?' },
    { argv: ['sevrices'], says: 'Did you mean `shunt services`?' },
    {
      argv: ['version', '--colour'],
      says: "unknown option '--colour' (SHUNT_E_ARGUMENTS)\nSee `shunt version --help`.",
    },
    { argv: ['version', 'now'], says: 'unexpected argument `now`' },
    { argv: ['explain'], says: 'an argument is missing' },
    { argv: ['version', '-o', 'yaml'], says: '--output: `yaml` is neither table nor json' },
    { argv: ['plan'], says: '--source file:PATH is needed' },
    { argv: ['plan', '--source', 'cluster.yaml'], says: '--source: `cluster.yaml` is not file:PATH' },
    { argv: ['explain', '10.96.0.1'], says: 'is not ADDRESS:PORT' },
    { argv: ['explain', '10.96.0.1:0'], says: 'a port lies between 1 and 65535' },
    { argv: ['explain', '10.96.0.1:80', '--from', 'web-0'], says: '--from: `web-0` is not NAMESPACE/POD' },
    { argv: ['explain', '10.96.0.01:80'], says: '`10.96.0.01:80`: ' },
    { argv: ['backends', 'shop/cart/80'], says: '`shop/cart/80` is not NAMESPACE[/NAME]' },
  ])('shunt $argv is a usage error that says what to do', async ({ argv, says }) => {
    const { status, stdout, stderr } = await shunt(argv);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^shunt: .+ \(SHUNT_E_\w+\)\n.+\n$/);
    expect(stderr).toContain(says);
  });

  test('with -o json an error is JSON, on stderr', async () => {
    const { status, stdout, stderr } = await shunt(['plan', '-o', 'json']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'SHUNT_E_ARGUMENTS', message: '--source file:PATH is needed', help: 'See `shunt plan --help`.' },
    });
  });

  test('what nobody expected is a bug: exit status 70, with the stack', async () => {
    const host = () => Promise.reject(new TypeError('wings of wax'));
    const { status, stderr } = await shunt(['doctor'], { parts: { host } });
    expect(status).toBe(70);
    expect(stderr).toMatch(
      /^shunt: wings of wax \(SHUNT_E_INTERNAL\)\nThis is a bug in Shunt\..*\nTypeError: wings of wax\n +at /,
    );
  });

  test.each([
    { argv: ['status'] },
    { argv: ['services'] },
    { argv: ['backends'] },
    { argv: ['explain', '10.96.0.1:80'] },
  ])('shunt $argv without an agent says that traffic goes on, and how to start one', async ({ argv }) => {
    const loadedRoots = async () => ['/sys/fs/bpf/shunt'];
    const host = async () => ({ read: () => '' }) as unknown as Host;
    const { status, stderr } = await shunt([...argv, '--socket', '/nonexistent/admin.sock'], {
      parts: { loadedRoots, host },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('no agent answers at /nonexistent/admin.sock');
    expect(stderr).toMatch(/Traffic goes on without it.*`shunt run`/);
  });
});

describe('colour', () => {
  const ESCAPE = '\u001b[';

  test.each([
    { title: 'is used on a terminal', columns: 100, env: {}, coloured: true },
    { title: 'is not used in a pipe', env: {}, coloured: false },
    { title: 'is not used with NO_COLOR', columns: 100, env: { NO_COLOR: '1' }, coloured: false },
    { title: 'is used with an empty NO_COLOR', columns: 100, env: { NO_COLOR: '' }, coloured: true },
    { title: 'is not used on a dumb terminal', columns: 100, env: { TERM: 'dumb' }, coloured: false },
  ])('$title', async ({ columns, env, coloured }) => {
    const { stdout } = await shunt(['--help'], { env, ...(columns === undefined ? {} : { columns }) });
    expect(stdout.includes(ESCAPE)).toBe(coloured);
  });
});

test('shunt version tells the version of package.json', async () => {
  const { stdout } = await shunt(['version', '-o', 'json']);
  expect(JSON.parse(stdout)).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), node: process.version });
});
