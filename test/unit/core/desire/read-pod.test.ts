import { describe, expect, test } from 'vitest';
import { complaintsOf, objectOf } from '../../../helpers/reading.ts';

const UID = 'd1b4d5b4-8c7e-4d57-9d0e-7d5c3a1f0b2a';
const HASH = '8a5edab282632443219e051e4ade2d1d';
const CONFIG = 'kubernetes.io/config';
const OWNER = { apiVersion: 'v1', kind: 'Node', name: 'worker-1', controller: true };

const mirrorOf = (hash: string): object => ({ [`${CONFIG}.hash`]: hash, [`${CONFIG}.mirror`]: hash });

describe('Pod', () => {
  const raw = (spec: object, status: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'cart-0', namespace: 'shop', uid: UID, labels: { app: 'cart' } },
    spec: { nodeName: 'worker-1', ...spec },
    status: { phase: 'Running', podIPs: [{ ip: '10.244.1.1' }, { ip: 'FD00:1::1' }], ...status },
  });

  test.each([
    ['that runs has its addresses', {}, {}, ['10.244.1.1', 'fd00:1::1'], UID],
    ['in the network of its node has none of its own', { hostNetwork: true }, {}, [], UID],
    ['that has ended has none any more, nor a cgroup', {}, { phase: 'Failed' }, [], ''],
    ['that waits has none yet', {}, { phase: 'Pending', podIPs: null }, [], UID],
  ])('%s', (_, spec, status, addresses, cgroupUid) => {
    expect(objectOf(raw(spec, status))).toEqual({
      kind: 'Pod',
      namespace: 'shop',
      name: 'cart-0',
      node: 'worker-1',
      addresses,
      cgroupUid,
      labels: { app: 'cart' },
      owner: 'Pod/cart-0',
      sameNode: '',
    });
  });

  const SAME_NODE = 'shunt.dev/same-node';
  const mistaken = (shown: string): string =>
    `warning metadata.labels[${SAME_NODE}]: must be redirect or plain, is ${shown}: it counts as absent`;

  test.each([
    ['redirect', 'redirect', []],
    ['plain', 'plain', []],
    [null, '', []],
    ['Redirect', '', [mistaken('"Redirect"')]],
    ['', '', [mistaken('""')]],
    [true, '', [mistaken('true')]],
  ])('with %j as its label for connections on its node means "%s"', (value, sameNode, complaints) => {
    const pod = raw({}, {});
    const labelled = { ...pod, metadata: { ...pod.metadata, labels: { [SAME_NODE]: value } } };
    expect(objectOf(labelled)).toMatchObject({ sameNode });
    expect(complaintsOf(labelled)).toEqual(complaints);
  });

  test.each([
    ['shunt.dev/samenode', [`warning metadata.labels[shunt.dev/samenode]: is not known here: is ${SAME_NODE} meant?`]],
    ['shunt.dev/rack', ['warning metadata.labels[shunt.dev/rack]: is not known here']],
    ['example.com/same-node', []],
  ])('with the label %s, which is none of ours, says so where it may be meant to be one', (name, complaints) => {
    const pod = raw({}, {});
    const labelled = { ...pod, metadata: { ...pod.metadata, labels: { [name]: 'redirect' } } };
    expect(objectOf(labelled)).toMatchObject({ sameNode: '' });
    expect(complaintsOf(labelled)).toEqual(complaints);
  });

  test('with labels that are none says so once', () => {
    const pod = raw({}, {});
    expect(complaintsOf({ ...pod, metadata: { ...pod.metadata, labels: 7 } })).toEqual([
      'error metadata.labels: must be an object, is 7',
    ]);
  });

  const controller = (kind: string, name: string) => ({ apiVersion: 'v1', kind, name, uid: UID, controller: true });

  test.each([
    ['nobody', undefined, [], 'Pod/cart-0'],
    ['a StatefulSet', undefined, [controller('StatefulSet', 'cart')], 'StatefulSet/cart'],
    ['a ReplicaSet of a Deployment', '6d4b7', [controller('ReplicaSet', 'cart-6d4b7')], 'Deployment/cart'],
    ['a ReplicaSet of its own', undefined, [controller('ReplicaSet', 'cart-6d4b7')], 'ReplicaSet/cart-6d4b7'],
    ['a ReplicaSet of another hash', 'abc', [controller('ReplicaSet', 'cart-6d4b7')], 'ReplicaSet/cart-6d4b7'],
    ['a ReplicaSet without a hash', undefined, [controller('ReplicaSet', 'a-undefined')], 'ReplicaSet/a-undefined'],
    ['a ReplicaSet of no name but the hash', 'abc', [controller('ReplicaSet', '-abc')], 'ReplicaSet/-abc'],
    ['a Job whose name ends like a hash', 'abc', [controller('Job', 'cart-abc')], 'Job/cart-abc'],
    ['somebody beside its controller', '', [{ kind: 'A', name: 'a' }, controller('DaemonSet', 'd')], 'DaemonSet/d'],
    ['its node', undefined, [controller('Node', 'worker-1')], 'Pod/cart-0'],
    ['what is no object', undefined, ['StatefulSet', null], 'Pod/cart-0'],
    ['what has no name', undefined, [{ kind: 'StatefulSet', controller: true }], 'Pod/cart-0'],
  ])('of %s has that for its workload', (_, hash, ownerReferences, owner) => {
    const pod = raw({}, {});
    const labels = hash === undefined ? {} : { 'pod-template-hash': hash };
    expect(objectOf({ ...pod, metadata: { ...pod.metadata, labels, ownerReferences } })).toMatchObject({ owner });
  });

  test.each([
    ['of the kubelet alone, by what it calls it', {}, HASH],
    ['that says it is one and is of nobody', { ownerReferences: null }, UID],
    ['that says it is one and is of another node', { ownerReferences: [{ ...OWNER, name: 'worker-2' }] }, UID],
    ['that says it is one and is of a Job', { ownerReferences: [{ ...OWNER, kind: 'Job' }] }, UID],
    ['that names the cgroup of another Pod', { annotations: mirrorOf(UID) }, UID],
    ['that is no mirror', { annotations: { [`${CONFIG}.hash`]: HASH } }, UID],
    ['that mirrors another', { annotations: { ...mirrorOf(HASH), [`${CONFIG}.mirror`]: UID } }, UID],
  ])('is found by its cgroup: one %s', (_, metadata, cgroupUid) => {
    const pod = raw({}, {});
    const fields = { ...pod.metadata, annotations: mirrorOf(HASH), ownerReferences: [OWNER], ...metadata };
    expect(complaintsOf({ ...pod, metadata: fields })).toEqual([]);
    expect(objectOf({ ...pod, metadata: fields })).toMatchObject({ cgroupUid });
  });
});
