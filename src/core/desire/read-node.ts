import { parseAddress } from '../model/address.ts';
import { exact } from '../model/exact.ts';
import type { Intern } from '../model/intern.ts';
import type { NodeObject, ObjectRef } from '../model/objects.ts';
import { asObject, at, complain, type Fields, listField, objectField, type Review, textField } from './read-field.ts';

/** Projects a v1 Node (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/). */
export const readNode = (review: Review, raw: Fields, ref: ObjectRef, intern: Intern): NodeObject => {
  const metadata = objectField(review, raw, 'metadata') ?? {};
  const labels = objectField(review, metadata, 'labels', METADATA) ?? {};
  const status = objectField(review, raw, 'status') ?? {};
  return {
    kind: 'Node',
    namespace: '',
    name: ref.name,
    zone: intern(textField(review, labels, LABEL_ZONE, at(METADATA, 'labels'))),
    addresses: exact(readAddresses(review, status)),
  };
};

/** Names of the node (Hostname, InternalDNS, ExternalDNS) are of no use here: nothing is resolved. */
const readAddresses = (review: Review, status: Fields): readonly string[] => {
  const addresses = new Set<string>();
  for (const [index, value] of listField(review, status, 'addresses', STATUS).entries()) {
    const path = at(at(STATUS, 'addresses'), index);
    const fields = asObject(review, value, path) ?? {};
    if (!TYPES.has(textField(review, fields, 'type', path))) continue;
    const parsed = parseAddress(textField(review, fields, 'address', path));
    if ('problem' in parsed) complain(review, 'warning', at(path, 'address'), parsed.problem);
    else addresses.add(parsed.text);
  }
  return [...addresses];
};

const TYPES: ReadonlySet<string> = new Set(['InternalIP', 'ExternalIP']);
const LABEL_ZONE = 'topology.kubernetes.io/zone';
const METADATA = at(undefined, 'metadata');
const STATUS = at(undefined, 'status');
