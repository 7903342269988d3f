import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { kubeconfig } from '../../src/sources/kubernetes/kubeconfig.ts';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { hasOurStatus } from '../../src/sources/kubernetes/status/about.ts';
import { retryUntil } from '../helpers/retry.ts';
import { AgentSide, openAgentSide, requestToken } from './agent-side.ts';
import { putNode, putPod, putService, setEndpoints } from './cluster-contents.ts';
import { Gate } from './gate.ts';
import { PERSON, POLICIES, type RealCluster, startRealCluster } from './real-cluster.ts';

const ROLE = '/apis/rbac.authorization.k8s.io/v1/clusterroles/shunt';
const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/trafficpolicies.shunt.dev';

let cluster: RealCluster;
let rules: readonly Rule[];

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

beforeAll(async () => {
  cluster = await startRealCluster();
  await cluster.apply('deploy/kustomize/base/access.yaml');
  await cluster.apply('deploy/kustomize/base/traffic-policies.yaml');
  rules = (await cluster.call('GET', ROLE)).body.rules;
  await putNode(cluster);
  await putService(cluster, 'web', ['10.1.0.1']);
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

describe('the role', () => {
  beforeEach(() => setRules(rules));
  afterEach(() => setRules(rules));

  test.each([
    ['services', '', 'list'],
    ['services', '', 'watch'],
    ['endpointslices', 'discovery.k8s.io', 'list'],
    ['endpointslices', 'discovery.k8s.io', 'watch'],
    ['nodes', '', 'watch'],
    ['pods', '', 'list'],
    ['trafficpolicies', 'shunt.dev', 'watch'],
  ])('that lacks a verb is found out: %s of "%s" without %s', async (resource, group, verb) => {
    await setRules(without(resource, verb));
    await using agent = await openAgentSide(cluster);
    await agent.mirror.start();
    await retryUntil(() => agent.mirror.trouble !== undefined, { timeoutMs: 20_000 });
    expect(agent.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_FORBIDDEN' });
    for (const word of [resource, group, verb]) expect(agent.mirror.trouble?.message).toContain(word);
    await setRules(rules);
    await retryUntil(() => agent.mirror.synced && agent.mirror.trouble === undefined, { timeoutMs: 20_000 });
    await agent.mirror.equal();
  });

  test('of the manifests has no verb that could be left out', () => {
    const verbs = rules.flatMap((rule) => rule.resources.map((name) => [name, rule.verbs.join(' ')]));
    const asked = resourcesFor('node-a').flatMap(({ name, kind }) => {
      // What is written is read before, and status.test.ts shows that no more is needed for that.
      return hasOurStatus(kind)
        ? [
            [name, 'get list watch'],
            [`${name}/status`, 'update'],
          ]
        : [[name, 'list watch']];
    });
    expect(Object.fromEntries(verbs)).toEqual(Object.fromEntries(asked));
  });
});

test('a token that ends is replaced by the one in the file', async () => {
  const before = { name: 'agent-1', uid: await putPod(cluster, 'agent-1', '10.1.9.1', 'kube-system') };
  const after = { name: 'agent-2', uid: await putPod(cluster, 'agent-2', '10.1.9.2', 'kube-system') };
  await using agent = await openAgentSide(cluster, await requestToken(cluster, before));
  await agent.mirror.followed();
  const from = agent.mirror.told.length;
  await cluster.delete(`/api/v1/namespaces/kube-system/pods/${before.name}?gracePeriodSeconds=0`);
  agent.token(await requestToken(cluster, after));
  // A server that has just started remembers no token that was good a moment ago.
  await cluster.stopApiServer();
  await cluster.startApiServer();
  await setEndpoints(cluster, 'web', ['10.1.0.9']);
  await agent.mirror.equal(30_000);
  const told = agent.mirror.told.slice(from);
  expect(told).toContain('delete Pod kube-system/agent-1');
  expect(told).toContain('put EndpointSlice shop/web');
  expect(told.filter((line) => line.includes('UNAUTHORIZED'))).toEqual([]);
});

test('a token that ended is a trouble until the file has a better one', async () => {
  const pod = { name: 'agent-3', uid: await putPod(cluster, 'agent-3', '10.1.9.3', 'kube-system') };
  const token = await requestToken(cluster, pod);
  await cluster.delete('/api/v1/namespaces/kube-system/pods/agent-3?gracePeriodSeconds=0');
  await using agent = await openAgentSide(cluster, token);
  await agent.mirror.start();
  await retryUntil(() => agent.mirror.trouble !== undefined, { timeoutMs: 20_000 });
  expect(agent.mirror.trouble).toMatchObject({ code: 'SHUNT_E_API_UNAUTHORIZED' });
  agent.token(await requestToken(cluster));
  await retryUntil(() => agent.mirror.synced && agent.mirror.trouble === undefined, { timeoutMs: 20_000 });
  await agent.mirror.equal();
});

test('a kubeconfig with a client certificate leads to the same', async () => {
  await cluster.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: PERSON },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'shunt' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: PERSON }],
  });
  const gate = await new Gate(cluster.port).open();
  const at = (file: string): string => `${cluster.directory}/${file}`;
  const path = at('kubeconfig');
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'c', cluster: { server: `https://127.0.0.1:${gate.port}`, 'certificate-authority': at('ca.crt') } },
      ],
      users: [{ name: 'u', user: { 'client-certificate': at(`${PERSON}.crt`), 'client-key': at(`${PERSON}.key`) } }],
      contexts: [{ name: 'test', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'test',
    }),
  );
  await using agent = new AgentSide(cluster, gate, await kubeconfig(path, undefined), `${cluster.directory}/nothing`);
  await agent.mirror.followed(20_000);
  await setEndpoints(cluster, 'web', ['10.1.0.8']);
  await agent.mirror.equal();
  expect(agent.mirror.told.filter((line) => line.startsWith('trouble'))).toEqual([]);
});

test('TrafficPolicies are found once they are installed, and end with their definition', async () => {
  await cluster.delete(DEFINITION);
  await retryUntil(async () => (await cluster.call('GET', POLICIES)).status === 404, { timeoutMs: 30_000 });
  await using agent = await openAgentSide(cluster);
  await agent.mirror.followed(20_000);
  expect(agent.mirror).toMatchObject({ whole: true, trouble: undefined });
  await cluster.apply('deploy/kustomize/base/traffic-policies.yaml');
  await retryUntil(async () => (await cluster.call('GET', POLICIES)).status === 200, { timeoutMs: 30_000 });
  await cluster.create('/apis/shunt.dev/v1alpha1/namespaces/shop/trafficpolicies', {
    apiVersion: 'shunt.dev/v1alpha1',
    kind: 'TrafficPolicy',
    metadata: { name: 'weights' },
    spec: { targetRefs: [{ kind: 'Service', name: 'web' }], endpointWeights: [{ pod: 'web-*', weight: 3 }] },
  });
  await agent.mirror.equal(30_000);
  expect(agent.mirror.objects.get('TrafficPolicy shop/weights')).toMatchObject({ services: ['web'] });
  await cluster.delete(DEFINITION);
  await retryUntil(() => agent.mirror.told.includes('delete TrafficPolicy shop/weights'), { timeoutMs: 30_000 });
  await agent.mirror.equal(30_000);
  expect(agent.mirror.trouble).toBeUndefined();
});

const setRules = async (wanted: readonly Rule[]): Promise<void> => {
  await cluster.patch(ROLE, { rules: wanted });
};

/** The rules, but for one verb of one resource. */
const without = (resource: string, verb: string): readonly Rule[] =>
  rules.flatMap((rule) =>
    rule.resources.map((each) => ({
      ...rule,
      resources: [each],
      verbs: rule.verbs.filter((one) => each !== resource || one !== verb),
    })),
  );
