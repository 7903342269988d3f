import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { hasOurStatus } from '../../src/sources/kubernetes/status/about.ts';
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

const RIGHTS = resourcesFor('node-a').flatMap(({ name, apiVersion, dispensable = false }) =>
  ['list', 'watch'].map((verb) => ({ name, group: groupOf(apiVersion), verb, dispensable })),
);

/** Of types that this cluster does not have, one of the two shows already that there is nothing. */
const NEEDED = RIGHTS.filter(({ dispensable }) => !dispensable);

/** Objects whose status it writes, and so reads again before. */
const WRITTEN = resourcesFor('node-a')
  .filter(({ kind }) => hasOurStatus(kind))
  .map(({ name, apiVersion }) => ({ name, group: groupOf(apiVersion) }));

describe('the ServiceAccount', () => {
  beforeAll(() => apply());

  test.each([
    ...RIGHTS,
    ...WRITTEN.map((written) => ({ ...written, verb: 'get' })),
    ...WRITTEN.map(({ name, group }) => ({ name: `${name}/status`, group, verb: 'update' })),
  ])('may $verb $name', (right) => {
    expect(may(right)).toBe(true);
  });

  test.each([
    ...resourcesFor('node-a').flatMap(({ name, apiVersion, kind }) =>
      [...(hasOurStatus(kind) ? [] : ['get']), 'create', 'update', 'patch', 'delete'].map((verb) => ({
        name,
        group: groupOf(apiVersion),
        verb,
      })),
    ),
    { name: 'secrets', group: '', verb: 'list' },
    { name: 'configmaps', group: '', verb: 'list' },
    { name: 'pods', group: '', verb: 'create' },
    { name: 'nodes/proxy', group: '', verb: 'get' },
    { name: 'serviceaccounts/token', group: '', verb: 'create' },
    { name: 'leases', group: 'coordination.k8s.io', verb: 'update' },
  ])('may not $verb $name', (right) => {
    expect(may(right)).toBe(false);
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

  test.each(NEEDED)('says that it may not $verb $name, when that is taken away', async (right) => {
    const { name, verb } = right;
    apply(right);
    agent = start();
    const line = await agent.wrote(new RegExp(`cannot ${verb} resource .*${name}`), 30_000);
    expect(line).toContain('system:serviceaccount:kube-system:shunt');
  });
});

interface Right {
  readonly name: string;
  readonly group: string;
  readonly verb: string;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
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
  expect(may(missing)).toBe(false);
};

/** As the API server judges, of objects of all namespaces, whether the type is installed or not. */
const may = ({ name, group, verb }: Right): boolean => {
  const [resource, subresource] = name.split('/');
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: 'system:serviceaccount:kube-system:shunt',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      resourceAttributes: { verb, group, resource, subresource },
    },
  };
  const { status } = JSON.parse(cluster.kubectl(['create', '-f', '-', '-o', 'json'], JSON.stringify(review)));
  return status.allowed;
};

const start = (): RunningContainer => {
  const { pod, container } = agentOfBase();
  return machine.run(pod, container, {
    serviceEnv: { KUBERNETES_SERVICE_HOST: machine.node.address4, KUBERNETES_SERVICE_PORT: String(API_PORT) },
    serviceAccount: { token: cluster.token('kube-system', 'shunt'), certificate: cluster.certificate },
  });
};
