import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clusterOf } from '../../../src/cli/objects.ts';
import { explain, renderExplain } from '../../../src/core/explain.ts';
import { BILLING, type DemoService, LOGIN, NODE_NAME, REGISTER } from '../../../src/demo/cluster.ts';
import { ClusterDirectory } from '../../../src/demo/cluster-directory.ts';
import type { Endpoint } from '../../../src/demo/objects.ts';
import { readOnce } from '../../../src/sources/file.ts';

let directory: string;
let cluster: ClusterDirectory;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'shunt-cluster-'));
  cluster = await ClusterDirectory.create(directory, {
    pods: [{ name: 'register-v1-1', address4: '10.244.1.2', address6: 'fd00:10:244:1::2' }],
    weights: { v1: 90, v2: 10 },
    register: [endpoint('register-v1-1', 1), endpoint('register-v2-1', 2)],
    login: [endpoint('login-v1-1', 3), endpoint('login-v2-1', 4)],
  });
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('the cluster of the demo', () => {
  test('is a directory of objects without anything to complain about', async () => {
    const { objects, complaints } = await readOnce(directory);
    expect(complaints).toEqual([]);
    expect(objects.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).sort()).toEqual([
      'EndpointSlice demo/billing-ipv4',
      'EndpointSlice demo/billing-ipv6',
      'EndpointSlice demo/login-ipv4',
      'EndpointSlice demo/login-ipv6',
      'EndpointSlice demo/register-ipv4',
      'EndpointSlice demo/register-ipv6',
      'Pod demo/register-v1-1',
      'Service demo/billing',
      'Service demo/login',
      'Service demo/register',
      'TrafficPolicy demo/register-shares',
    ]);
  });

  test('has Pods of Deployments, so that it can be told who asks', async () => {
    const { objects } = await readOnce(directory);
    expect(objects).toContainEqual(
      expect.objectContaining({
        kind: 'Pod',
        owner: 'Deployment/register-v1',
        cgroupUid: 'register-v1-1',
        node: NODE_NAME,
      }),
    );
  });

  test('asks for 90:10 at register, in both address families, and equal shares at login', async () => {
    expect(await shares(REGISTER, 'address4')).toEqual({ 'register-v1-1': 90, 'register-v2-1': 10 });
    expect(await shares(REGISTER, 'address6')).toEqual({ 'register-v1-1': 90, 'register-v2-1': 10 });
    expect(await shares(LOGIN, 'address4')).toEqual({ 'login-v1-1': 50, 'login-v2-1': 50 });
  });

  test('has nobody behind billing', async () => {
    expect((await ask(BILLING, 'address4')).outcome).toBe('refused');
    expect((await ask(BILLING, 'address6')).outcome).toBe('refused');
  });

  test('asks for other shares when the weights are set, and says when that could be seen', async () => {
    const beforeMs = Date.now();
    const writtenAtMs = await cluster.setWeights({ v1: 50, v2: 50 });
    expect(writtenAtMs).toBeGreaterThanOrEqual(beforeMs);
    expect(writtenAtMs).toBeLessThanOrEqual(Date.now());
    expect(cluster.weights).toEqual({ v1: 50, v2: 50 });
    expect(await shares(REGISTER, 'address4')).toEqual({ 'register-v1-1': 50, 'register-v2-1': 50 });
  });

  test('sends nothing more to an endpoint that terminates while another one is ready', async () => {
    await cluster.setEndpoints(LOGIN, [endpoint('login-v1-1', 3, 'terminating'), endpoint('login-v2-1', 4)]);
    expect(await shares(LOGIN, 'address4')).toEqual({ 'login-v2-1': 100 });
    expect(await shares(LOGIN, 'address6')).toEqual({ 'login-v2-1': 100 });
  });

  test('is written as a person would write it', () => {
    expect(readFileSync(join(directory, ClusterDirectory.sharesFile), 'utf8')).toBe(`apiVersion: shunt.dev/v1alpha1
kind: TrafficPolicy
metadata:
  name: register-shares
  namespace: demo
spec:
  targetRefs:
    - group: ""
      kind: Service
      name: register
  endpointWeights:
    - pod: register-v1-*
      weight: 90
    - pod: register-v2-*
      weight: 10
`);
  });
});

const endpoint = (pod: string, n: number, state: Endpoint['state'] = 'ready'): Endpoint => ({
  pod,
  address4: `10.244.1.${n}`,
  address6: `fd00:10:244:1::${n}`,
  state,
});

const ask = async (service: DemoService, family: 'address4' | 'address6') => {
  const { objects } = await readOnce(directory);
  const question = { address: service[family], port: service.port, protocol: 'TCP' } as const;
  return explain(
    { cluster: clusterOf(objects), node: { name: NODE_NAME, proxyName: '', externalIPs: false } },
    question,
  );
};

/** Percent by pod; what explain says otherwise fails the comparison readably. */
const shares = async (service: DemoService, family: 'address4' | 'address6') => {
  const decision = await ask(service, family);
  if (decision.outcome !== 'sent') return renderExplain(decision);
  return Object.fromEntries(
    decision.endpoints.flatMap(({ pod, verdict }) => (verdict.verdict === 'share' ? [[pod, verdict.percent]] : [])),
  );
};
