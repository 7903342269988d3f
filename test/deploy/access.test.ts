import { expect, test } from 'vitest';
import { resourcesFor } from '../../src/sources/kubernetes/resources.ts';
import { hasOurStatus } from '../../src/sources/kubernetes/status/about.ts';
import { LEASE } from '../../src/sources/kubernetes/status/statuses.ts';
import { find, kustomization, type Manifest } from '../helpers/manifests.ts';

interface Role extends Manifest {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const base = kustomization('deploy/kustomize/base');

test('the role may read what the agent asks for, write the statuses that it writes, and nothing else', () => {
  const { rules } = find<Role>(base, 'ClusterRole');
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((name) => `${group}/${name} ${verbs.join(' ')}`)),
  );
  const asked = resourcesFor('node-a').flatMap(({ name, apiVersion, kind }) => {
    const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [];
    const path = `${group}/${name}`;
    return hasOurStatus(kind) ? [`${path} get list watch`, `${path}/status update`] : [`${path} list watch`];
  });
  expect(granted.toSorted()).toEqual(asked.toSorted());
});

test('of Leases it may make one and change its own, where the agents run', () => {
  const role = find<Role>(base, 'Role');
  const leases = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
  expect(role.rules).toEqual([
    { ...leases, resourceNames: [LEASE], verbs: ['get', 'update'] },
    { ...leases, verbs: ['create'] },
  ]);
  const { name, namespace } = find(base, 'ServiceAccount').metadata;
  expect(role.metadata.namespace).toBe(namespace);
  expect(find(base, 'RoleBinding')).toMatchObject({
    metadata: { namespace },
    roleRef: { kind: 'Role', name: 'shunt' },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
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
