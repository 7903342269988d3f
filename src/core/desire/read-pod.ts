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
  listField,
  objectField,
  type Review,
  textField,
} from './read-field.ts';

/** Projects a v1 Pod (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/). */
export const readPod = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern): PodObject => {
  const spec = objectField(review, raw, 'spec') ?? {};
  const status = objectField(review, raw, 'status') ?? {};
  const hasOwn = !booleanField(review, spec, 'hostNetwork', false, SPEC);
  const hasEnded = ENDED.has(textField(review, status, 'phase', STATUS));
  return {
    kind: 'Pod',
    namespace: ref.namespace,
    name: ref.name,
    node: intern(textField(review, spec, 'nodeName', SPEC)),
    addresses: hasOwn && !hasEnded ? exact(readAddresses(review, status)) : NONE,
    cgroupUid: '',
    labels: {},
  };
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
const SPEC = at(undefined, 'spec');
const STATUS = at(undefined, 'status');
