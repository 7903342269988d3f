import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNode, type EmbeddedNode } from '../../src/demo/node.ts';
import { kustomization, type Manifest } from '../helpers/manifests.ts';
import { TRAFFIC_POLICY_ROWS, trafficPolicy } from '../helpers/traffic-policy-rows.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { agentOfBase, unloadOfBase } from './scene.ts';

/** What a real API server says of deploy/. It is of 1.20, and knows all fields but those that came later, and no rules. */

const BASE = 'test/deployed/base';

let node: EmbeddedNode;
let directory: string;
let cluster: Cluster;

beforeAll(async () => {
  node = await createNode({ name: 'objects' });
  directory = mkdtempSync(join(tmpdir(), 'shunt-objects-'));
  cluster = await startCluster(node, directory);
});

afterAll(async () => {
  await node.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('the kustomization', () => {
  test.each([[BASE], ['deploy/kustomize/unload']])('%s is accepted, and is then in force as it is written', (path) => {
    try {
      cluster.kubectl(['apply', '--validate=true', '-k', path]);
      const again = cluster.kubectl(['apply', '-k', path]).trim().split('\n');
      expect(again).toHaveLength(kustomization(path).length);
      expect(again.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
    } finally {
      cluster.kubectl(['delete', '--ignore-not-found', '-k', path]);
    }
  });

  test.each([
    ['the agent', () => agentOfBase().pod],
    ['shunt-unload', () => unloadOfBase().pod],
  ])('the Pod of %s is accepted', (_, podOf) => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace: 'kube-system' }, spec: podOf() };
    expect(cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod))).toContain(
      'pod/pod created',
    );
  });
});

describe('the chart', () => {
  const helm = (verb: string, ...args: readonly string[]): string =>
    cluster.helm([verb, 'shunt', ...(verb === 'uninstall' ? [] : ['deploy/helm/shunt']), '-n', 'kube-system', ...args]);

  test('is installed, turned to unloading, and leaves nothing but the definition of TrafficPolicy', () => {
    helm('install');
    expect(installed()).toEqual(kustomization(BASE).map(nameOf).toSorted());
    helm('upgrade', '--reuse-values', '--set', 'unload=true');
    expect(installed()).toEqual(['CustomResourceDefinition trafficpolicies.shunt.dev', 'DaemonSet shunt-unload']);
    helm('uninstall');
    expect(installed()).toEqual(['CustomResourceDefinition trafficpolicies.shunt.dev']);
    // And may come back to it.
    helm('install', '--take-ownership');
    helm('uninstall');
    cluster.kubectl(['delete', 'crd', 'trafficpolicies.shunt.dev']);
  });
});

describe('a TrafficPolicy', () => {
  beforeAll(() => {
    cluster.kubectl(['apply', '-k', BASE]);
    cluster.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd/trafficpolicies.shunt.dev']);
  });
  afterAll(() => {
    cluster.kubectl(['delete', '-k', BASE]);
  });

  // This build of the API server takes an empty text for null.
  const rows = TRAFFIC_POLICY_ROWS.filter(
    ({ spec, right, but }) => !(right || but === 'rules') || !JSON.stringify(spec).includes('""'),
  );

  test.each(rows)('with $title is judged as by the agent', ({ spec, right, but }) => {
    const create = () =>
      cluster.kubectl(
        ['create', '--dry-run=server', '--validate=false', '-f', '-'],
        JSON.stringify(trafficPolicy('row', spec)),
      );
    if (right || but !== undefined) expect(create()).toContain('created');
    else expect(create).toThrow(/is invalid|Invalid value|in body must be/);
  });

  test('is listed by its short name with what it is for and whether it is in force', () => {
    const ancestorRef = { kind: 'Service', name: 'cart' };
    const spec = { targetRefs: [ancestorRef], algorithm: 'Maglev' };
    cluster.kubectl(['create', '-f', '-'], JSON.stringify(trafficPolicy('canary', spec)));
    const accepted = { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'in force' };
    const conditions = [{ ...accepted, lastTransitionTime: '2026-11-22T22:51:17Z' }];
    const status = { ancestors: [{ ancestorRef, controllerName: 'shunt.dev/agent', conditions }] };
    const patch = ['patch', 'tpol', 'canary', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    cluster.kubectl(patch);
    const [head, row] = cluster.kubectl(['get', 'tpol']).split('\n');
    expect(head?.split(/\s+/)).toEqual(['NAME', 'ALGORITHM', 'SERVICE', 'ACCEPTED', 'AGE']);
    expect(row).toMatch(/^canary\s+Maglev\s+cart\s+True\s+\d+s/);
  });
});

/** Everything of Shunt that the API server has, in the order of its text. */
const installed = (): readonly string[] => {
  const access = 'serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings';
  const kinds = `daemonsets,${access},customresourcedefinitions`;
  const selector = ['-A', '-l', 'app.kubernetes.io/name=shunt', '-o', 'json'];
  const { items } = JSON.parse(cluster.kubectl(['get', kinds, ...selector])) as { items: readonly Manifest[] };
  return items.map(nameOf).toSorted();
};

const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;
