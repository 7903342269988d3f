import { expect, test } from 'vitest';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { find, kustomization, type Manifest } from '../helpers/manifests.ts';

interface ClusterRole extends Manifest {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const base = kustomization('deploy/kustomize/base');

test('the role may list and watch what the agent asks for, and nothing else', () => {
  const { rules } = find<ClusterRole>(base, 'ClusterRole');
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((name) => `${group}/${name} ${verbs.join(' ')}`)),
  );
  const asked = resourcesFor('node-a').map(({ name, apiVersion }) => {
    const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [];
    return `${group}/${name} list watch`;
  });
  expect(granted.toSorted()).toEqual(asked.toSorted());
});

test('the agent asks for its own Node and the Pods of its own node, which a role cannot say', () => {
  const selectors = resourcesFor('node-a').map(({ name, fieldSelector }) => [name, fieldSelector]);
  expect(Object.fromEntries(selectors)).toMatchObject({
    nodes: 'metadata.name=node-a',
    pods: 'spec.nodeName=node-a',
  });
});

test('the role is bound to the ServiceAccount of the agents alone, where they run', () => {
  const { name = '', namespace } = find(base, 'ServiceAccount').metadata;
  expect(find(base, 'ClusterRoleBinding')).toMatchObject({
    roleRef: { kind: 'ClusterRole', name: 'shunt' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  expect(find(base, 'DaemonSet').metadata.namespace).toBe(namespace);
});
