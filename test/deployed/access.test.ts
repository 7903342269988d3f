import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { retryUntil } from '../helpers/retry.ts';
import { API_PORT, type Cluster, startCluster } from './cluster.ts';
import { Machine, type RunningContainer } from './machine.ts';
import { agentOfBase, THIS_NODE } from './scene.ts';

/** The agent with the rights of its ServiceAccount, and with one of them less. */

let machine: Machine;
let cluster: Cluster;
let agent: RunningContainer | undefined;

beforeAll(async () => {
  machine = await Machine.create('access');
  cluster = await startCluster(machine.node, machine.path('cluster'));
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify(THIS_NODE));
});

afterAll(() => machine[Symbol.asyncDispose]());

afterEach(async () => {
  await agent?.kill();
  agent = undefined;
});

const RIGHTS = resourcesFor('node-a').flatMap(({ name }) => ['list', 'watch'].map((verb) => ({ name, verb })));

describe('the ServiceAccount', () => {
  beforeAll(() => apply());

  test.each(RIGHTS)('may $verb $name', ({ name, verb }) => {
    expect(may(verb, name)).toBe(true);
  });

  test.each([
    ...RIGHTS.flatMap(({ name }) => ['get', 'create', 'update', 'patch', 'delete'].map((verb) => ({ name, verb }))),
    { name: 'secrets', verb: 'list' },
    { name: 'configmaps', verb: 'list' },
    { name: 'pods', verb: 'create' },
    { name: 'nodes/proxy', verb: 'get' },
    { name: 'serviceaccounts/token', verb: 'create' },
  ])('may not $verb $name', ({ name, verb }) => {
    expect(may(verb, name)).toBe(false);
  });
});

describe('the agent', () => {
  test('needs no more than that', async () => {
    apply();
    agent = start();
    await agent.wrote(/"ready: everything/);
    const { status } = await retryUntil(async () => agent?.exec('shunt', 'status'));
    expect(status).toBe(0);
    expect(agent.output).not.toMatch(/trouble|forbidden/);
  });

  test.each(RIGHTS)('says that it may not $verb $name, when that is taken away', async ({ name, verb }) => {
    apply({ name, verb });
    agent = start();
    const line = await agent.wrote(new RegExp(`cannot ${verb} resource .*${name}`), 30_000);
    expect(line).toContain('system:serviceaccount:kube-system:shunt');
  });
});

interface Right {
  readonly name: string;
  readonly verb: string;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** The kustomization, but for one right. */
const apply = (missing?: Right): void => {
  cluster.kubectl(['apply', '-k', 'test/deployed/base']);
  if (missing === undefined) return;
  const role = JSON.parse(cluster.kubectl(['get', 'clusterrole', 'shunt', '-o', 'json'])) as { rules: readonly Rule[] };
  const rules = role.rules.flatMap(({ apiGroups, resources, verbs }) =>
    resources.map((name) => ({
      apiGroups,
      resources: [name],
      verbs: verbs.filter((verb) => name !== missing.name || verb !== missing.verb),
    })),
  );
  cluster.kubectl(['replace', '-f', '-'], JSON.stringify({ ...role, rules }));
  expect(may(missing.verb, missing.name)).toBe(false);
};

/** As the API server judges; in a namespace, or in all when it is about objects of all. */
const may = (verb: string, name: string): boolean => {
  try {
    const who = 'system:serviceaccount:kube-system:shunt';
    return cluster.kubectl(['auth', 'can-i', verb, name, '-A', '--as', who]).trim() === 'yes';
  } catch (error) {
    if (/: no\b/.test((error as Error).message)) return false;
    throw error;
  }
};

const start = (): RunningContainer => {
  const { pod, container } = agentOfBase();
  return machine.run(pod, container, {
    serviceEnv: { KUBERNETES_SERVICE_HOST: machine.node.address4, KUBERNETES_SERVICE_PORT: String(API_PORT) },
    serviceAccount: { token: cluster.token('kube-system', 'shunt'), certificate: cluster.certificate },
  });
};
