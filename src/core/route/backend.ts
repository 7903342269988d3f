import { keyOf } from '../cluster/keys.ts';
import type { BackendInput, RouteInput } from '../desire/desire.ts';
import { isServed, type ServedPort } from '../desire/ports.ts';

/** What a backendRef comes to. `refused`: it keeps its share, and those connections are refused. */
export type Backend =
  | { readonly outcome: 'found'; readonly answers: NonNullable<BackendInput['answers']>; readonly port: ServedPort }
  | { readonly outcome: 'refused'; readonly reason: UnresolvedReason; readonly message: string };

/** Reasons of the condition ResolvedRefs. */
export type UnresolvedReason = 'InvalidKind' | 'RefNotPermitted' | 'BackendNotFound' | 'UnsupportedProtocol';

/**
 * The Service port that a backendRef names. What is not permitted is not looked at: nobody learns from a route what there
 * is in another namespace. Headless Services are as good as others, because only their endpoints are asked for; an
 * ExternalName has none.
 */
export const backendOf = ({ ref, permitted, answers }: BackendInput, protocol: 'TCP' | 'UDP'): Backend => {
  const key = keyOf(ref);
  if (ref.invalidKind !== '') return refused('InvalidKind', ref.invalidKind);
  if (!permitted) return refused('RefNotPermitted', `no ReferenceGrant in ${ref.namespace} permits Service ${key}`);
  if (ref.port === undefined) return refused('BackendNotFound', `Service ${key} is named without a port`);
  if (answers === undefined) return refused('BackendNotFound', `there is no Service ${key}`);
  const { service } = answers;
  if (service.type === 'ExternalName') return refused('BackendNotFound', `Service ${key} is an ExternalName`);
  const ports = service.ports.filter(({ port }) => port === ref.port);
  const port = ports.filter(isServed).find((each) => each.protocol === protocol);
  if (port !== undefined) return { outcome: 'found', answers, port };
  return ports.length === 0
    ? refused('BackendNotFound', `Service ${key} has no port ${ref.port}`)
    : refused('UnsupportedProtocol', `port ${ref.port} of Service ${key} is not for ${protocol}`);
};

/** What is no Service cannot be taken for one of that name. */
export const armIdOf = ({ ref }: BackendInput): string => {
  const id = ref.port === undefined ? keyOf(ref) : `${keyOf(ref)}:${ref.port}`;
  return ref.invalidKind === '' ? id : `${id}?`;
};

/** Of the route's backends, those that connections go to. */
export const weighedBackends = ({ backends }: RouteInput): readonly BackendInput[] =>
  backends.filter(({ ref }) => ref.weight > 0);

const refused = (reason: UnresolvedReason, message: string): Backend => ({ outcome: 'refused', reason, message });
