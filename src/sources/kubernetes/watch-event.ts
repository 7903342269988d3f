import { BadContent } from './ending.ts';
import { parseObject } from './items.ts';

/** A line of a watch. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: object;
}

/** Throws BadContent. */
export const readEvent = (line: string): WatchEvent => {
  const { type, object } = parseObject(line) as { readonly type?: unknown; readonly object?: unknown };
  if (!TYPES.has(type) || typeof object !== 'object' || object === null) throw new BadContent('no event of a watch');
  return { type: type as WatchEvent['type'], object };
};

const TYPES: ReadonlySet<unknown> = new Set<WatchEvent['type']>(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

export interface Bookmark {
  readonly version: string;
  /** Everything that existed was sent before it. */
  readonly endsInitial: boolean;
}

/** Throws BadContent. */
export const readBookmark = (object: object): Bookmark => {
  const { metadata } = object as { readonly metadata?: unknown };
  const { resourceVersion, annotations } = isFields(metadata) ? metadata : {};
  if (typeof resourceVersion !== 'string' || resourceVersion === '') throw new BadContent('a bookmark without version');
  return {
    version: resourceVersion,
    endsInitial: isFields(annotations) && annotations[INITIAL_EVENTS_END] === 'true',
  };
};

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
