import type { ObjectRef, RouteKind, RouteParent } from '../../../core/model/objects.ts';
import type { RejectedObject, WantedStatus } from '../../../core/status/wanted.ts';
import type { Fields } from '../calls.ts';
import { oursIn } from './entries.ts';

type About = Omit<RejectedObject, 'complaints'>;

/**
 * What an object that cannot be read needs to say so in its status, as far as it can be told; undefined of a kind that
 * has none of ours.
 */
export const aboutRaw = (raw: Fields, object: ObjectRef): About | undefined => {
  if (!hasOurStatus(object.kind)) return undefined;
  const { generation } = fieldsOf(raw.metadata);
  const ref = {
    ...object,
    apiVersion: textOf(raw.apiVersion),
    generation: typeof generation === 'number' ? generation : 0,
  };
  const spec = fieldsOf(raw.spec);
  if (object.kind === 'TrafficPolicy') return { ref, targets: listOf(spec.targetRefs).flatMap(targetOf) };
  return { ref, parents: listOf(spec.parentRefs).flatMap((parent) => parentOf(parent, object.namespace)) };
};

/** What takes back what an object that asks for nothing says of us; undefined when that is nothing. */
export const leftIn = (raw: Fields, object: ObjectRef): WantedStatus | undefined => {
  const ref = aboutRaw(raw, object)?.ref;
  const kind = object.kind === 'TrafficPolicy' ? 'ancestors' : 'parents';
  return ref === undefined || oursIn(raw, kind) === '[]' ? undefined : { ref, kind, entries: [] };
};

/** Kinds into whose status we write. */
export const hasOurStatus = (kind: string): boolean => kind === 'TrafficPolicy' || isRoute(kind);

export const isRoute = (kind: string): boolean => ROUTES.has(kind);

const ROUTES: ReadonlySet<string> = new Set<RouteKind>(['GRPCRoute', 'HTTPRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute']);

const parentOf = ({ group, kind, ...ref }: Fields, ours: string): readonly RouteParent[] => {
  const name = textOf(ref.name);
  if (group !== '' || kind !== 'Service' || name === '') return [];
  const namespace = textOf(ref.namespace) || ours;
  const port = typeof ref.port === 'number' ? ref.port : undefined;
  return [{ namespace, name, port, sectionName: textOf(ref.sectionName) }];
};

const targetOf = ({ kind, name }: Fields): NonNullable<About['targets']> => {
  const isKnown = kind === 'Service' || (typeof kind === 'string' && ROUTES.has(kind));
  return isKnown && textOf(name) !== '' ? [{ kind: kind as 'Service' | RouteKind, name: textOf(name) }] : [];
};

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.slice(0, MAX).map(fieldsOf) : []);

/** More than any list of the API may have. */
const MAX = 32;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
