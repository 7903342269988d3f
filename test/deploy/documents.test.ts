import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentOf, chart, find, kustomization, type Manifest } from '../helpers/manifests.ts';
import { tableUnder } from '../helpers/markdown.ts';

const DOCUMENT = readFileSync('docs/deploy.md', 'utf8');

describe('docs/deploy.md', () => {
  test('shows a kustomization that works, with a component, an image and an address of the API server', () => {
    const manifests = shownKustomization();
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
    const rules = find<ClusterRole>(kustomization('deploy/kustomize/base'), 'ClusterRole').rules;
    const granted = rules.flatMap(({ resources, verbs }) => resources.map((name) => `${name}: ${verbs.join(' ')}`));
    const rows = tableUnder(DOCUMENT, 'Rights in the cluster');
    const documented = rows.flatMap(([resources = '', verbs = '']) =>
      namesIn(resources).map((name) => `${name}: ${namesIn(verbs).join(' ')}`),
    );
    expect(documented.toSorted()).toEqual(granted.toSorted());
    expect(rows.filter(([, , reason = '']) => reason.length < 5)).toEqual([]);
  });
});

interface ClusterRole extends Manifest {
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

const namesIn = (cell: string): readonly string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

/** Built in a directory beside the base and the components, as it stands there. */
const shownKustomization = (): readonly Manifest[] => {
  const [, text = ''] = /```yaml\n(apiVersion: kustomize[\s\S]*?)```/.exec(DOCUMENT) ?? [];
  mkdirSync('build', { recursive: true });
  const directory = mkdtempSync(resolve('build/kustomize-'));
  try {
    for (const name of ['base', 'components']) symlinkSync(resolve('deploy/kustomize', name), join(directory, name));
    mkdirSync(join(directory, 'own'));
    writeFileSync(join(directory, 'own/kustomization.yaml'), text);
    return kustomization(join(directory, 'own'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};
