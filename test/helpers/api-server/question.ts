import type { RequestKind } from './fault.ts';
import { apiVersionOf, RESOURCES, type ResourceName } from './resources.ts';
import { type Selector, selectorOf } from './selector.ts';
import { badRequest, invalid, type StatusAnswer } from './status.ts';

/** A request for objects, understood. */
export interface Question {
  readonly resource: ResourceName;
  /** In which its objects are shown: `gateway.networking.k8s.io/v1`. */
  readonly apiVersion: string;
  readonly kind: RequestKind;
  readonly select: Selector;
  /** Undefined when unset: the newest state, whatever that takes. 0: any state. */
  readonly version: number | undefined;
  readonly limit: number;
  readonly continue: string | undefined;
  readonly bookmarks: boolean;
  readonly timeoutS: number | undefined;
}

/** Undefined for a path that leads nowhere. */
export const questionOf = (url: URL): Question | StatusAnswer | undefined => {
  const place = placeOf(url.pathname);
  if (place === undefined) return undefined;
  const { searchParams: parameters } = url;
  const watch = isTrue(parameters.get('watch'));
  const initial = parameters.get('sendInitialEvents');
  const match = parameters.get('resourceVersionMatch');
  const refusal = watch ? refuseWatch(initial, match) : refuseList(initial, match, parameters.get('resourceVersion'));
  if (refusal !== undefined) return invalid(refusal);
  const version = parameters.get('resourceVersion') ?? '';
  if (!/^\d*$/.test(version)) return invalid(`resourceVersion: Invalid value: "${version}"`);
  const limit = Number(parameters.get('limit') ?? 0);
  try {
    return {
      resource: place.resource,
      apiVersion: place.apiVersion,
      kind: watch ? (isTrue(initial) ? 'watchlist' : 'watch') : isOfOne(parameters) ? 'peek' : 'list',
      select: selectIn(place.namespace, selectorOf(parameters.get('labelSelector'), parameters.get('fieldSelector'))),
      version: version === '' ? undefined : Number(version),
      limit,
      continue: parameters.get('continue') || undefined,
      bookmarks: isTrue(parameters.get('allowWatchBookmarks')),
      timeoutS: parameters.has('timeoutSeconds') ? Number(parameters.get('timeoutSeconds')) : undefined,
    };
  } catch (error) {
    return badRequest((error as Error).message);
  }
};

/** How Shunt asks for a version alone. */
const isOfOne = (parameters: URLSearchParams): boolean =>
  parameters.get('fieldSelector') === 'metadata.name=kubernetes';

/** Resource and namespace by path, such as `/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices`. */
const placeOf = (path: string): Place | undefined => {
  const [, group = '', version = '', namespace, name] =
    /^\/api(?:s\/([^/]+))?\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)$/.exec(path) ?? [];
  const found = Object.values(RESOURCES).find(
    (each) => each.name === name && each.group === group && each.versions.includes(version),
  );
  return found && { resource: found.name as ResourceName, apiVersion: apiVersionOf(found, version), namespace };
};

interface Place {
  readonly resource: ResourceName;
  readonly apiVersion: string;
  readonly namespace: string | undefined;
}

const selectIn =
  (namespace: string | undefined, select: Selector): Selector =>
  (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) && select(object);

const isTrue = (value: string | null): boolean => value !== null && ['true', '1', ''].includes(value);

/** The rules of the API for `ListOptions`. */
const refuseWatch = (initial: string | null, match: string | null): string | undefined => {
  if (initial !== null && match !== 'NotOlderThan') {
    return 'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
  }
  if (initial === null && match !== null) {
    return 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch';
  }
  return undefined;
};

const refuseList = (initial: string | null, match: string | null, version: string | null): string | undefined => {
  if (initial !== null) return 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list';
  if (match !== null && (version ?? '') === '') {
    return 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided';
  }
  return undefined;
};
