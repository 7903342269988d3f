import { existsSync, globSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtImage, Machine } from './machine.ts';
import { type Agent, agentOfBase, asking } from './scene.ts';

/** What scripts/image has built of deploy/Dockerfile. */

const image = builtImage();
const inImage = (path: string): string => join(image.rootfs, path);
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('the image', () => {
  test.each(['gcc', 'cc', 'clang', 'ld', 'as', 'make', 'npm', 'npx', 'tsc', 'bpftool', 'python3'])(
    'has no %s',
    (name) => {
      const found = ['usr/bin', 'usr/local/bin', 'bin', 'opt/shunt/node_modules/.bin'].filter((directory) =>
        existsSync(inImage(`${directory}/${name}`)),
      );
      expect(found).toEqual([]);
    },
  );

  test('has the packages of production, and of no other kind', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> };
    const isOurs = ([path, { dev, optional }]: [string, Locked]): boolean =>
      path.startsWith('node_modules/') && dev !== true && (optional !== true || existsSync(path));
    const wanted = Object.entries(packages)
      .filter(isOurs)
      .map(([path]) => path);
    const have = globSync('node_modules/**/package.json', { cwd: inImage('opt/shunt') })
      .map((path) => path.replace(/\/package\.json$/, ''))
      .filter((path) => path in packages);
    expect(have.toSorted()).toEqual(wanted.toSorted());
  });

  test('has the objects that the agent loads, and none of tests', () => {
    const built = readdirSync('build/bpf').filter((name) => name.endsWith('.bpf.o') && name !== 'abi.bpf.o');
    expect(readdirSync(inImage('opt/shunt/build/bpf')).toSorted()).toEqual(built.toSorted());
    expect(readdirSync(inImage('opt/shunt/build/native')).toSorted()).toEqual(['libshunt.so', 'same-node-test']);
  });

  test('has no lists of packages, no caches and no secrets of the build', () => {
    expect(readdirSync(inImage('var/cache/apt/archives')).filter((name) => name.endsWith('.deb'))).toEqual([]);
    expect(['root/.npm', 'root/.npmrc', 'run/ca.crt', 'packages'].filter((path) => existsSync(inImage(path)))).toEqual(
      [],
    );
  });

  test('says what it is', () => {
    expect(image.labels).toMatchObject({
      'org.opencontainers.image.title': 'Shunt',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': expect.stringContaining('Apache-2.0'),
    });
    expect(lstatSync(inImage('opt/shunt/LICENSES')).isDirectory()).toBe(true);
  });
});

describe('in a container of the DaemonSet', () => {
  let machine: Machine;
  let agent: Agent;
  beforeAll(async () => {
    machine = await Machine.create('image');
    agent = agentOfBase();
  });
  afterAll(() => machine[Symbol.asyncDispose]());

  test('`shunt version` says the version of package.json, and Node 24', async () => {
    const { pod, container } = asking(agent, 'version');
    const { status, output } = await machine.run(pod, container).ended;
    expect({ status, output }).toEqual({
      status: 0,
      output: expect.stringMatching(`^shunt ${version} \\(node v24\\.`),
    });
  });

  test('`shunt doctor` has nothing to say against it, but that the cgroup is not the machine’s root', async () => {
    const { pod, container } = asking(agent, 'doctor');
    const { status, output } = await machine.run(pod, container).ended;
    expect(status).toBe(0);
    // Whether there are Pods depends on what else runs on this machine.
    const against = output.split('\n').filter((line) => /^(warn|fail)/.test(line) && !line.includes('client pods'));
    expect(against).toEqual([expect.stringContaining('cgroup namespace')]);
  });

  test('the root file system cannot be written to, and nothing can be gained', async () => {
    const script = 'touch /opt/shunt/x; touch /x; grep -E "NoNewPrivs|Seccomp:|CapBnd" /proc/self/status';
    const { pod, container } = agent;
    const { output } = await machine.run(pod, { ...container, command: ['sh', '-c', script], args: [] }).ended;
    expect(output.match(/Read-only file system/g)).toHaveLength(2);
    expect(output).toMatch(/NoNewPrivs:\s1/);
    expect(output).toMatch(/Seccomp:\s2/);
    expect(output).toMatch(/CapBnd:\s0000000000201000/);
  });
});

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
}
