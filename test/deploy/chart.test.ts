import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { helm } from '../helpers/cluster-tools.ts';
import {
  agentOf,
  chart,
  type DaemonSet,
  find,
  kustomization,
  type Manifest,
  overlay,
  parse,
  setAll,
  type Values,
} from '../helpers/manifests.ts';

const BASE = 'deploy/kustomize/base';

describe('the chart renders the same objects as', () => {
  test.each([
    ['deploy/kustomize/base', [BASE], {}],
    ['the base without the definition of TrafficPolicy', [BASE], { 'crd.install': false }],
    ['deploy/kustomize/components/pod-monitor', [BASE, 'pod-monitor'], { 'podMonitor.enabled': true }],
    ['deploy/kustomize/components/old-kernel', [BASE, 'old-kernel'], { oldKernel: true }],
    ['deploy/kustomize/unload', ['deploy/kustomize/unload'], { unload: true, 'crd.install': false }],
  ] as const)('%s', (_, [path, component], values) => {
    const wanted = component === undefined ? kustomization(path) : overlay({ components: [component] });
    const isLeftOut = ({ kind }: Manifest) => 'crd.install' in values && kind === 'CustomResourceDefinition';
    expect(named(chart(values))).toEqual(named(wanted.filter((manifest) => !isLeftOut(manifest))));
  });

  test('deploy/kustomize/base in another namespace', () => {
    const rendered = helm(['template', 'shunt', 'deploy/helm/shunt', '--namespace', 'other']);
    expect(rendered).not.toContain('kube-system');
    expect(named(parse(rendered))).toEqual(named(overlay({ namespace: 'other' })));
  });

  test('deploy/kustomize/components/old-api-server, where the API server is an old one', () => {
    const args = ['template', 'shunt', 'deploy/helm/shunt', '--namespace', 'kube-system', '--kube-version', '1.24.17'];
    const rendered = helm(args);
    expect(rendered).not.toContain('x-kubernetes-validations');
    expect(named(parse(rendered))).toEqual(named(overlay({ components: ['old-api-server'] })));
    expect(helm(args.with(-1, '1.25.0-build.1'))).toContain('x-kubernetes-validations');
  });
});

describe('a value of the chart', () => {
  test.each([
    ['image.repository', 'registry/shunt', { image: 'registry/shunt:VERSION' }],
    ['image.tag', 'edge', { image: 'shunt:edge' }],
    ['image.pullPolicy', 'Always', { imagePullPolicy: 'Always' }],
    ['serviceProxyName', 'shunt', { env: [{ name: 'SHUNT_SERVICE_PROXY_NAME', value: 'shunt' }] }],
    ['externalIPs', true, { env: [{ name: 'SHUNT_EXTERNAL_IPS', value: 'on' }] }],
    ['istioMetrics', true, { env: [{ name: 'SHUNT_ISTIO_METRICS', value: 'on' }] }],
    ['livePage', true, { env: [{ name: 'SHUNT_UI', value: 'on' }] }],
    ['sameNode', false, { env: [{ name: 'SHUNT_SAME_NODE', value: 'off' }] }],
    ['connections', 1_048_576, { env: [{ name: 'SHUNT_CONNECTIONS', value: '1048576' }] }],
    ['logLevel', 'debug', { env: [{ name: 'SHUNT_LOG_LEVEL', value: 'debug' }] }],
    ['extraEnv', [{ name: 'A', value: 'b' }], { env: [{ name: 'A', value: 'b' }] }],
    ['resources', { limits: { memory: '1Gi' } }, { resources: { limits: { memory: '1Gi' } } }],
    [
      'apiServer.host',
      '192.0.2.1',
      {
        env: [
          { name: 'KUBERNETES_SERVICE_HOST', value: '192.0.2.1' },
          { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
        ],
      },
    ],
    [
      'metrics',
      { host: '127.0.0.1', port: 9000 },
      {
        env: [{ name: 'SHUNT_LISTEN', value: '[127.0.0.1]:9000' }],
        ports: [{ name: 'metrics', containerPort: 9000 }],
        livenessProbe: { httpGet: { host: '127.0.0.1' } },
        readinessProbe: { httpGet: { host: '127.0.0.1' } },
      },
    ],
  ] as const)('%s changes the agent’s container', (name, value, { env = [], ...rest }: ContainerFields) => {
    const container = agentOf(chart({ [name]: value }));
    expect(container).toMatchObject(JSON.parse(JSON.stringify(rest).replace('VERSION', version)));
    expect(container.env).toEqual(expect.arrayContaining(env as unknown[]));
  });

  test.each([
    ['imagePullSecrets', [{ name: 'a' }], { imagePullSecrets: [{ name: 'a' }] }],
    ['priorityClassName', 'high', { priorityClassName: 'high' }],
    ['nodeSelector', { a: 'b' }, { nodeSelector: { a: 'b' } }],
    ['tolerations', [{ key: 'a' }], { tolerations: [{ key: 'a' }] }],
    ['affinity', { nodeAffinity: {} }, { affinity: { nodeAffinity: {} } }],
    ['seLinuxOptions', { type: 'spc_t' }, { securityContext: { seLinuxOptions: { type: 'spc_t' } } }],
    ['host.bpf', '/bpf', { volumes: [{ hostPath: { path: '/bpf' } }, {}, {}, {}] }],
    ['host.cgroup', '/cgroup', { volumes: [{}, { hostPath: { path: '/cgroup' } }, {}, {}] }],
    ['host.netns', '/netns', { volumes: [{}, {}, { hostPath: { path: '/netns' } }, {}] }],
  ])('%s changes the agent’s Pod', (name, value, expected) => {
    expect(podOf(chart({ [name]: value }))).toMatchObject(expected);
  });

  test('of Pods and of their monitor lands there', () => {
    const manifests = chart({
      podAnnotations: { a: 'b' },
      podLabels: { c: 'd' },
      maxUnavailable: 1,
      'podMonitor.enabled': true,
      'podMonitor.labels': { e: 'f' },
      'podMonitor.interval': '5s',
    });
    const { spec } = find<DaemonSet>(manifests, 'DaemonSet');
    expect(spec.template.metadata).toMatchObject({ annotations: { a: 'b' }, labels: { c: 'd' } });
    expect(spec.updateStrategy.rollingUpdate.maxUnavailable).toBe(1);
    expect(find(manifests, 'PodMonitor')).toMatchObject({
      metadata: { labels: { e: 'f' } },
      spec: { podMetricsEndpoints: [{ interval: '5s' }] },
    });
  });

  test.each([
    [{ 'image.pullPolicy': 'Sometimes' }],
    [{ 'image.name': 'shunt' }],
    [{ 'apiServer.host': 'https://api' }],
    [{ 'apiServer.port': 0 }],
    [{ serviceProxyName: '-' }],
    [{ connections: 1000 }],
    [{ logLevel: 'loud' }],
    [{ 'metrics.host': 'node' }],
    [{ 'podMonitor.interval': 30 }],
    [{ 'host.bpf': 'sys/fs/bpf' }],
    [{ maxUnavailable: 0 }],
    [{ maxUnavailable: '0%' }],
    [{ unknown: 1 }],
  ] as readonly Values[][])('that is wrong is refused: %j', (values) => {
    expect(() => chart(values)).toThrow(Object.keys(values).join().split('.').pop());
  });
});

test('every value of values.yaml is in its schema, and the other way round', () => {
  const values = parseYaml(readFileSync('deploy/helm/shunt/values.yaml', 'utf8'));
  const schema = JSON.parse(readFileSync('deploy/helm/shunt/values.schema.json', 'utf8'));
  // What helm itself gives to every chart.
  const { global: _, ...properties } = schema.properties;
  expect(namesIn(properties).toSorted()).toEqual(namesOf(values, properties).toSorted());
});

test('helm finds nothing wrong with the chart', () => {
  expect(helm(['lint', '--strict', 'deploy/helm/shunt', ...setAll({})])).toContain('0 chart(s) failed');
});

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

interface ContainerFields {
  readonly [field: string]: unknown;
  readonly env?: readonly unknown[];
}

const podOf = (manifests: readonly Manifest[]) => find<DaemonSet>(manifests, 'DaemonSet').spec.template.spec;

/** By kind and name, without what only helm wants to have there. */
const named = (manifests: readonly Manifest[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    manifests.map((manifest) => [
      `${manifest.kind} ${manifest.metadata.name}`,
      JSON.parse(JSON.stringify(manifest, own)),
    ]),
  );

const own = (key: string, value: unknown): unknown => {
  if (HELM_ONLY.has(key)) return undefined;
  // The only annotation is one of them.
  return key === 'annotations' && Object.keys(value as object).every((name) => HELM_ONLY.has(name)) ? undefined : value;
};

const HELM_ONLY = new Set(['app.kubernetes.io/managed-by', 'helm.sh/chart', 'helm.sh/resource-policy']);

interface Schema {
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** `image.tag`: objects with fixed fields are looked into. */
const namesIn = (properties: Readonly<Record<string, Schema>>): readonly string[] =>
  Object.entries(properties).flatMap(([name, schema]) =>
    schema.properties === undefined ? [name] : namesIn(schema.properties).map((inner) => `${name}.${inner}`),
  );

const namesOf = (values: object, properties: Readonly<Record<string, Schema>>): readonly string[] =>
  Object.entries(values).flatMap(([name, value]) => {
    const inner = properties[name]?.properties;
    return inner === undefined ? [name] : namesOf(value, inner).map((each) => `${name}.${each}`);
  });
