import type { ObjectRead } from '../../core/desire/read.ts';
import { flat } from '../../core/model/flat.ts';
import type { Complaint, ObjectRef } from '../../core/model/objects.ts';
import type { RejectedObject, WantedStatus } from '../../core/status/wanted.ts';
import type { ClusterEvent } from '../source.ts';
import type { ReflectorEvent } from './told.ts';

/**
 * `about`: of an object whose status can say what is wrong with it. `left`: of one that asks for nothing, and whose status
 * says something of us all the same.
 */
export type CatalogRead = ObjectRead & {
  readonly about?: Omit<RejectedObject, 'complaints'>;
  readonly left?: WantedStatus;
};

/**
 * What objects of the server ask for, and what there is to say about them. Of objects that are as they should be it keeps
 * nothing, and so nothing of most.
 */
export interface Catalog {
  /** What they come to: an object that cannot be read keeps its last good state. May be told the same again. */
  take(kind: ObjectRef['kind'], events: readonly ReflectorEvent<CatalogRead>[]): readonly ClusterEvent[];
  /** About everything; the same list as long as nothing changed. */
  complaints(): readonly Complaint[];
  /** Objects that cannot be read, of those whose status can say so; the same list as long as nothing changed. */
  rejected(): readonly RejectedObject[];
  /** Whether each object that may say where addresses lead could be read at least once. */
  isWhole(): boolean;
}

export const createCatalog = (): Catalog => {
  /**
   * Objects that exist and are not told as they are: they ask for nothing, or never could be read. `invalid` are those
   * that count; of `standIn` something else was told.
   */
  const untold = new Map<string, Untold>();
  const complaints = new Map<string, readonly Complaint[]>();
  let list: readonly Complaint[] | undefined = [];
  const rejected = new Map<string, RejectedObject>();
  let rejectedList: readonly RejectedObject[] | undefined = [];
  let invalid = 0;

  const leaveUntold = (key: string, state: Untold | undefined): void => {
    if (untold.get(key) === 'invalid') invalid--;
    if (state === 'invalid') invalid++;
    if (state === undefined) untold.delete(key);
    else untold.set(key, state);
  };

  const complain = (key: string, now: readonly Complaint[]): void => {
    const before = complaints.get(key);
    if (before === undefined && now.length === 0) return;
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(now)) return;
    if (now.length > 0) complaints.set(key, now);
    else complaints.delete(key);
    list = undefined;
  };

  const reject = (key: string, now: RejectedObject | undefined): void => {
    const before = rejected.get(key);
    if (before === now || (before && now && JSON.stringify(before) === JSON.stringify(now))) return;
    if (now === undefined) rejected.delete(key);
    else rejected.set(key, now);
    rejectedList = undefined;
  };

  const takeOne = (ref: ObjectRef, event: ReflectorEvent<CatalogRead>): ClusterEvent | undefined => {
    const key = untold.size === 0 && complaints.size === 0 && isPlain(event) ? '' : keyOf(ref);
    const isGood = (event.type === 'delete' || !event.isNew) && !untold.has(key);
    const isTold = isGood || untold.get(key) === 'standIn';
    if (event.type === 'delete') {
      complain(key, NONE);
      reject(key, undefined);
      leaveUntold(key, undefined);
      return isTold ? { type: 'delete', ref } : undefined;
    }
    const read = event.object;
    complain(key, read.outcome === 'unused' ? NONE : read.complaints);
    const isRejected = read.outcome === 'rejected' && read.about !== undefined;
    reject(key, isRejected ? { ...read.about, complaints: read.complaints } : undefined);
    if (read.outcome === 'object') {
      leaveUntold(key, undefined);
      return { type: 'put', object: read.object };
    }
    // What was told stays as it was.
    if (read.outcome === 'rejected' && isGood) return undefined;
    if (read.outcome === 'rejected' && read.standIn !== undefined) {
      leaveUntold(key, 'standIn');
      return { type: 'put', object: read.standIn };
    }
    leaveUntold(key, read.outcome === 'rejected' && LEADING.has(ref.kind) ? 'invalid' : 'nothing');
    return isTold ? { type: 'delete', ref } : undefined;
  };

  return {
    take: (kind, events) => {
      const taken: ClusterEvent[] = [];
      for (const event of events) {
        const one = takeOne({ kind, namespace: event.namespace, name: event.name }, event);
        if (one !== undefined) taken.push(one);
      }
      return taken;
    },
    complaints: () => {
      list ??= [...complaints.values()].flat();
      return list;
    },
    rejected: () => {
      rejectedList ??= [...rejected.values()];
      return rejectedList;
    },
    isWhole: () => invalid === 0,
  };
};

type Untold = 'nothing' | 'invalid' | 'standIn';

const NONE: readonly Complaint[] = [];

/** What no policy that is wrong may hold up, whoever made it: that addresses of Services that are gone are given back. */
const LEADING: ReadonlySet<ObjectRef['kind']> = new Set(['Service', 'EndpointSlice', 'Node']);

/** Nothing needs to be known of such an object: nearly all are. */
const isPlain = (event: ReflectorEvent<CatalogRead>): boolean =>
  event.type === 'delete' || (event.object.outcome === 'object' && event.object.complaints.length === 0);

const keyOf = ({ kind, namespace, name }: ObjectRef): string => flat(' ', kind, flat('/', namespace, name));
