import { parseAddress } from '../model/address.ts';
import { exact } from '../model/exact.ts';
import type { Intern } from '../model/intern.ts';
import type { ObjectRef, PodObject } from '../model/objects.ts';
import {
  asObject,
  at,
  booleanField,
  complain,
  type Fields,
  isAbsent,
  isFields,
  listField,
  objectField,
  type Review,
  shown,
  textField,
} from './read-field.ts';
import { checkOwnNames } from './read-own-name.ts';

/** Projects a v1 Pod (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/). */
export const readPod = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern): PodObject => {
  const metadata = objectField(review, raw, 'metadata') ?? {};
  const spec = objectField(review, raw, 'spec') ?? {};
  const status = objectField(review, raw, 'status') ?? {};
  const labels = objectField(review, metadata, 'labels', METADATA) ?? {};
  const hasOwn = !booleanField(review, spec, 'hostNetwork', false, SPEC);
  const hasEnded = ENDED.has(textField(review, status, 'phase', STATUS));
  const node = intern(textField(review, spec, 'nodeName', SPEC));
  return {
    kind: 'Pod',
    namespace: ref.namespace,
    name: ref.name,
    node,
    addresses: hasOwn && !hasEnded ? exact(readAddresses(review, status)) : NONE,
    cgroupUid: hasEnded ? '' : (staticUid(review, metadata, node) ?? textField(review, metadata, 'uid', METADATA)),
    labels: readLabels(labels, intern),
    owner: intern(readOwner(review, metadata, labels) ?? `Pod/${ref.name}`),
    sameNode: readSameNode(review, labels),
  };
};

/**
 * What the kubelet calls a Pod that it has from a file; the API server shows a mirror of it with an identity of its own
 * (https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/). Anybody can write such annotations, so all
 * marks of a mirror must be there, and no Pod can take the name of one that is not static for its own.
 */
const staticUid = (review: Review, metadata: Fields, node: string): string | undefined => {
  const annotations = objectField(review, metadata, 'annotations', METADATA) ?? {};
  const hash = annotations[ANNOTATION_HASH];
  if (typeof hash !== 'string' || !STATIC_UID.test(hash) || annotations[ANNOTATION_MIRROR] !== hash) return undefined;
  const owners = listField(review, metadata, 'ownerReferences', METADATA).filter(isFields);
  return owners.some(({ kind, name }) => kind === 'Node' && name === node) ? hash : undefined;
};

/**
 * Its controller (https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/). A Deployment
 * calls its ReplicaSets by its own name and the hash of the template, which their Pods have as a label. A static Pod's
 * is its node, which is no workload.
 */
const readOwner = (review: Review, metadata: Fields, labels: Fields): string | undefined => {
  const owners = listField(review, metadata, 'ownerReferences', METADATA).filter(isFields);
  const { kind, name } = owners.find(({ controller }) => controller === true) ?? {};
  if (typeof kind !== 'string' || typeof name !== 'string' || kind === 'Node') return undefined;
  const hash = labels[LABEL_TEMPLATE_HASH];
  const ending = `-${String(hash)}`;
  const isNamedAfter = typeof hash === 'string' && name.endsWith(ending) && name.length > ending.length;
  const isOfDeployment = kind === 'ReplicaSet' && isNamedAfter;
  return isOfDeployment ? `Deployment/${name.slice(0, -ending.length)}` : `${kind}/${name}`;
};

const readLabels = (labels: Fields, intern: Intern): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [intern(name), intern(String(value))]));

/** Whether its connections with other Pods of its node may go socket to socket. */
const readSameNode = (review: Review, labels: Fields): PodObject['sameNode'] => {
  const value = labels[LABEL_SAME_NODE];
  checkOwnNames(review, labels, LABELS, LABEL_SAME_NODE);
  if (isAbsent(value) || value === 'redirect' || value === 'plain') return value ?? '';
  complain(
    review,
    'warning',
    at(LABELS, LABEL_SAME_NODE),
    `must be redirect or plain, is ${shown(value)}: it counts as absent`,
  );
  return '';
};

const readAddresses = (review: Review, status: Fields): readonly string[] =>
  listField(review, status, 'podIPs', STATUS).flatMap((value, index) => {
    const path = at(at(STATUS, 'podIPs'), index);
    const parsed = parseAddress(textField(review, asObject(review, value, path) ?? {}, 'ip', path));
    if (!('problem' in parsed)) return [parsed.text];
    complain(review, 'warning', at(path, 'ip'), parsed.problem);
    return [];
  });

/** Its address may be another Pod's by now. */
const ENDED: ReadonlySet<string> = new Set(['Succeeded', 'Failed']);
const NONE: readonly string[] = [];
const ANNOTATION_HASH = 'kubernetes.io/config.hash';
const ANNOTATION_MIRROR = 'kubernetes.io/config.mirror';
const LABEL_TEMPLATE_HASH = 'pod-template-hash';
const LABEL_SAME_NODE = 'shunt.dev/same-node';
/** A checksum, while the API server makes UUIDs. */
const STATIC_UID = /^[0-9a-f]{32}$/;
const METADATA = at(undefined, 'metadata');
const LABELS = at(METADATA, 'labels');
const SPEC = at(undefined, 'spec');
const STATUS = at(undefined, 'status');
