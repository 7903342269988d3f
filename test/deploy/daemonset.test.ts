import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { configPath, readConfig } from '../../src/agent/config.ts';
import { OPTIONS, variableOf } from '../../src/agent/options.ts';
import { buildPublic } from '../../src/http/public.ts';
import { agentOf, type Container, type DaemonSet, find, kustomization } from '../helpers/manifests.ts';
import { tableUnder } from '../helpers/markdown.ts';

const DOCUMENT = readFileSync('docs/deploy.md', 'utf8');
const base = kustomization('deploy/kustomize/base');
const unload = kustomization('deploy/kustomize/unload');
const { spec } = find<DaemonSet>(base, 'DaemonSet');
const pod = spec.template.spec;
const agent = agentOf(base);
const unloadPod = find<DaemonSet>(unload, 'DaemonSet', 'shunt-unload').spec.template.spec;
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('every container', () => {
  const containers = [...pod.containers, ...(unloadPod.initContainers ?? []), ...unloadPod.containers];

  test.each(containers.map((container) => [container.name, container] as const))(
    '%s writes to nothing but its mounts, gains no rights, and holds only capabilities that are named',
    (_, { securityContext, image }) => {
      expect(securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
      expect(securityContext).not.toHaveProperty('privileged');
      expect(image).toBe(`shunt:${version}`);
    },
  );

  test.each([pod, unloadPod])('is held to the system calls of the runtime’s default', ({ securityContext }) => {
    expect(securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
  });

  test('has a reason in docs/deploy.md for each of its capabilities', () => {
    const added = containers.flatMap(({ securityContext }) => securityContext.capabilities?.add ?? []);
    const optional = ['SYS_RESOURCE'];
    const rows = tableUnder(DOCUMENT, 'Capabilities');
    expect(rows.map(([name]) => name).toSorted()).toEqual(
      [...new Set([...added, ...optional])].map((name) => `\`${name}\``).toSorted(),
    );
    expect(rows.filter(([, reason = '']) => reason.length < 20)).toEqual([]);
  });

  test('has a reason in docs/deploy.md for each of its mounts', () => {
    const mounts = (agent.volumeMounts ?? []).map(({ mountPath, name }) => {
      const volume = pod.volumes.find((each) => each.name === name);
      return [`\`${volume?.hostPath?.path ?? 'memory'}\``, `\`${mountPath}\``];
    });
    const rows = tableUnder(DOCUMENT, 'Mounts');
    expect(rows.map(([host, inside]) => [host, inside])).toEqual(mounts);
    expect(rows.filter(([, , reason = '']) => reason.length < 20)).toEqual([]);
  });
});

describe('the agent', () => {
  test('is in the network of the node, on every node that runs Linux, ahead of what it serves', () => {
    expect(pod).toMatchObject({
      hostNetwork: true,
      dnsPolicy: 'Default',
      priorityClassName: 'system-node-critical',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ operator: 'Exists' }],
      serviceAccountName: 'shunt',
    });
    // Walks over open files see those of their own PID namespace alone.
    expect(pod.hostPID).toBe(true);
    expect(unloadPod).not.toHaveProperty('hostPID');
    expect(pod).not.toHaveProperty('hostIPC');
  });

  test('is never twice on a node, and may be missing on a tenth of them during an upgrade', () => {
    expect(spec.updateStrategy).toEqual({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } });
  });

  test('has a limit of memory, and none of CPU', () => {
    expect(Object.keys(agent.resources?.limits ?? {})).toEqual(['memory']);
    expect(Object.keys(agent.resources?.requests ?? {}).toSorted()).toEqual(['cpu', 'memory']);
  });

  test('selects Pods by labels that they have and that no version changes', () => {
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    expect(Object.keys(spec.selector.matchLabels)).not.toContain('app.kubernetes.io/version');
  });

  test('is given settings that it has, and takes them', () => {
    const given = (agent.env ?? []).filter(({ name }) => name.startsWith('SHUNT_'));
    const known = Object.keys(OPTIONS).map((name) => variableOf(name as keyof typeof OPTIONS));
    expect(given.filter(({ name }) => !known.includes(name))).toEqual([]);
    expect(readSettings(agent, '192.0.2.7').listen).toEqual({ host: '192.0.2.7', port: 10_377 });
    expect(readSettings(agent, '2001:db8::7').listen).toEqual({ host: '2001:db8::7', port: 10_377 });
  });

  test('keeps its pins and looks for cgroups and namespaces where those of the node are mounted', () => {
    const settings = readSettings(agent, '192.0.2.7');
    const mounts = (agent.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    expect(mounts).toEqual(expect.arrayContaining([settings.cgroup, '/host/bpf', '/run/shunt']));
    expect(settings.bpfRoot).toBe('/host/bpf/shunt');
    expect(settings.socket.startsWith('/run/shunt/')).toBe(true);
    expect(unloadPod.initContainers?.[0]?.env).toEqual([{ name: 'SHUNT_BPF_ROOT', value: settings.bpfRoot }]);
  });

  test.each(['livenessProbe', 'readinessProbe'] as const)('has a %s at a path that it serves', async (name) => {
    expect(agent[name]?.httpGet.port).toBe(agent.ports?.[0]?.name);
    expect(await statusOf(agent[name]?.httpGet.path ?? '')).not.toBe(404);
  });
});

test.each([
  ['deploy/helm/shunt/Chart.yaml', ({ version, appVersion }) => [version, appVersion]],
  ['deploy/kustomize/base/kustomization.yaml', versionsOf],
  ['deploy/kustomize/unload/kustomization.yaml', versionsOf],
  [
    'deploy/kustomize/components/pod-monitor/pod-monitor.yaml',
    ({ metadata }) => [metadata.labels['app.kubernetes.io/version']],
  ],
] as readonly [string, (content: Yaml) => readonly string[]][])('%s has the version of package.json', (path, read) => {
  expect(new Set(read(parseYaml(readFileSync(path, 'utf8'))))).toEqual(new Set([version]));
});

test('deploy/Dockerfile has the version of package.json', () => {
  expect(readFileSync('deploy/Dockerfile', 'utf8')).toContain(`\nARG VERSION=${version}\n`);
});

// biome-ignore lint/suspicious/noExplicitAny: YAML of several shapes
type Yaml = any;

function versionsOf({ images, labels }: Yaml): readonly string[] {
  return [images[0].newTag, labels[0].pairs['app.kubernetes.io/version']];
}

/** As the agent reads them; variables that refer to others are expanded as the kubelet does. */
const readSettings = ({ env: variables = [] }: Container, hostAddress: string) => {
  const fields: Readonly<Record<string, string>> = { 'status.hostIP': hostAddress, 'spec.nodeName': 'node-a' };
  const env: Record<string, string> = { SHUNT_SOURCE: 'file:/objects' };
  for (const { name, value = '', valueFrom } of variables) {
    const expanded = value.replaceAll(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? '');
    env[name] = valueFrom === undefined ? expanded : (fields[valueFrom.fieldRef.fieldPath] ?? '');
  }
  expect(configPath({ flags: {}, env })).toBeUndefined();
  return readConfig({ flags: {}, env, machine: { hostname: 'pod', cgroupRoot: undefined } });
};

const statusOf = async (path: string): Promise<number> => {
  const server = createServer(buildPublic({ view: () => undefined, scrape: () => undefined, onBug: () => {} }));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  } finally {
    server.close();
  }
};
