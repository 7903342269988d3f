import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentOf, chart, type DaemonSet, find, kustomization, type Manifest } from '../helpers/manifests.ts';
import { tableUnder } from '../helpers/markdown.ts';

const DOCUMENT = readFileSync('docs/deploy.md', 'utf8');

describe('docs/deploy.md', () => {
  test('shows a kustomization that works, with a component, an image and an address of the API server', () => {
    const manifests = shownKustomization('own');
    const container = agentOf(manifests);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(container.image).toBe(`registry.example/shunt:${version}`);
    expect(container.env).toEqual(
      expect.arrayContaining([
        { name: 'KUBERNETES_SERVICE_HOST', value: '192.0.2.10' },
        { name: 'KUBERNETES_SERVICE_PORT', value: '6443' },
      ]),
    );
    expect(container.securityContext.capabilities?.add).toContain('SYS_RESOURCE');
    expect(find(manifests, 'PodMonitor').metadata.namespace).toBe('kube-system');
  });

  test('shows how the Pods that take Shunt out get the same image', () => {
    const unload = find<DaemonSet>(shownKustomization('own-unload'), 'DaemonSet', 'shunt-unload');
    const { containers, initContainers = [] } = unload.spec.template.spec;
    const images = [...containers, ...initContainers].map(({ image }) => image.replace(/:.*/, ''));
    expect(images).toEqual(['registry.example/shunt', 'registry.example/shunt']);
  });

  test('shows a patch for nodes that differ', () => {
    const manifests = shownKustomization('different');
    const { volumes } = find<DaemonSet>(manifests, 'DaemonSet').spec.template.spec;
    const paths = Object.fromEntries(volumes.map(({ name, hostPath }) => [name, hostPath]));
    expect(paths).toMatchObject({
      bpf: { path: '/sys/fs/bpf', type: 'Directory' },
      cgroup: { path: '/sys/fs/cgroup/unified', type: 'Directory' },
      netns: { path: '/run/docker/netns', type: 'DirectoryOrCreate' },
    });
    expect(agentOf(manifests).securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      seLinuxOptions: { type: 'spc_t', level: 's0' },
    });
  });

  test('shows values of the chart that exist', () => {
    const set = [...DOCUMENT.matchAll(/--set ([\w.]+)=(\S+)/g)].map(([, name = '', value = '']) => ({ name, value }));
    expect(set.length).toBeGreaterThan(3);
    for (const { name, value } of set) expect(() => chart({ [name]: value === 'true' ? true : value })).not.toThrow();
  });

  test('names paths of host directories and values that exist', () => {
    const values = parse(readFileSync('deploy/helm/shunt/values.yaml', 'utf8'));
    const named = [...DOCUMENT.matchAll(/`(host|apiServer|metrics|podMonitor)\.(\w+)/g)];
    expect(named.length).toBeGreaterThan(4);
    for (const [, group = '', name = ''] of named) expect(values[group]).toHaveProperty(name);
  });

  test('gives a reason for each right in the cluster', () => {
    const base = kustomization('deploy/kustomize/base');
    const rules = [...find<Role>(base, 'ClusterRole').rules, ...find<Role>(base, 'Role').rules];
    const granted = rules.flatMap(({ resources, verbs }) => resources.map((name) => `${name}: ${verbs.join(' ')}`));
    const rows = tableUnder(DOCUMENT, 'Rights in the cluster');
    const documented = rows.flatMap(([resources = '', verbs = '']) =>
      namesIn(resources).map((name) => `${name}: ${namesIn(verbs).join(' ')}`),
    );
    expect(documented.toSorted()).toEqual(granted.toSorted());
    expect(rows.filter(([, , reason = '']) => reason.length < 5)).toEqual([]);
  });
});

interface Role extends Manifest {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

const namesIn = (cell: string): readonly string[] => [...cell.matchAll(/`([\w/]+)`/g)].map(([, name = '']) => name);

/** In the order of the document. */
const SHOWN = ['own', 'own-unload', 'different'] as const;

/** Built in a directory beside the base and all else, as it stands there. */
const shownKustomization = (name: (typeof SHOWN)[number]): readonly Manifest[] => {
  const texts = [...DOCUMENT.matchAll(/```yaml\n(apiVersion: kustomize[\s\S]*?)```/g)].map(([, text = '']) => text);
  expect(texts).toHaveLength(SHOWN.length);
  mkdirSync('build', { recursive: true });
  const directory = mkdtempSync(resolve('build/kustomize-'));
  try {
    for (const each of ['base', 'components', 'unload']) {
      symlinkSync(resolve('deploy/kustomize', each), join(directory, each));
    }
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'kustomization.yaml'), texts[SHOWN.indexOf(name)] ?? '');
    return kustomization(join(directory, name));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
