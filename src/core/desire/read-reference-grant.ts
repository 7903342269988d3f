import { exact } from '../model/exact.ts';
import type { Intern } from '../model/intern.ts';
import type { ObjectRef, ReferenceGrantObject } from '../model/objects.ts';
import {
  asObject,
  at,
  boundedListField,
  complain,
  type Fields,
  objectField,
  type Review,
  textField,
} from './read-field.ts';
import { checkLabel } from './read-name.ts';
import { GATEWAY_GROUP, isRouteKind } from './read-target.ts';

/**
 * Projects a ReferenceGrant (GEP-709) to what it says of routes and Services. Undefined when that is nothing: grants are
 * also made for Gateways and Secrets.
 */
export const readReferenceGrant = (
  review: Review,
  raw: Fields,
  ref: ObjectRef,
  intern: Intern,
): ReferenceGrantObject | undefined => {
  const spec = objectField(review, raw, 'spec') ?? {};
  const from = readFrom(review, spec, intern);
  const services = readServices(review, spec, intern);
  if (from.length === 0 || services.length === 0) return undefined;
  return { kind: 'ReferenceGrant', namespace: ref.namespace, name: ref.name, from, services };
};

const readFrom = (review: Review, spec: Fields, intern: Intern): ReferenceGrantObject['from'] =>
  exact(
    boundedListField(review, spec, 'from', LIST_MAX, SPEC).flatMap((raw, index) => {
      const path = at(at(SPEC, 'from'), index);
      const fields = asObject(review, raw, path) ?? {};
      const kind = textField(review, fields, 'kind', path);
      if (textField(review, fields, 'group', path) !== GATEWAY_GROUP || !isRouteKind(kind)) return [];
      const namespace = textField(review, fields, 'namespace', path);
      checkLabel(review, namespace, at(path, 'namespace'));
      return [{ kind, namespace: intern(namespace) }];
    }),
  );

const readServices = (review: Review, spec: Fields, intern: Intern): readonly string[] => {
  const names = boundedListField(review, spec, 'to', LIST_MAX, SPEC).flatMap((raw, index) => {
    const path = at(at(SPEC, 'to'), index);
    const fields = asObject(review, raw, path) ?? {};
    const isService = textField(review, fields, 'group', path) === '' && fields.kind === 'Service';
    if (!isService) return [];
    const name = textField(review, fields, 'name', path);
    if (name !== EVERY) return [name || EVERY];
    // Names are no patterns (GEP-709), and what was meant for one must not be for all.
    complain(review, 'warning', at(path, 'name'), 'is for no Service: leave it out to permit all of them');
    return [];
  });
  return names.includes(EVERY) ? [EVERY] : exact(names.map(intern));
};

const EVERY = '*';
/** Of the Gateway API. */
const LIST_MAX = 16;

const SPEC = at(undefined, 'spec');
