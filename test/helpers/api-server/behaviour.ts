import type { Fault, RequestKind } from './fault.ts';
import type { RawObject, ResourceName } from './resources.ts';

/** How the server behaves; each may change while it runs. */
export interface Behaviour {
  /** How a WatchList is answered: as asked, refused with a status, or without ever saying that all was sent. */
  watchList: 'on' | 'endless' | 400 | 403 | 422;
  /** The tokens that are let in; all, even none, when undefined. */
  tokens: readonly string[] | undefined;
  /** Custom resources that are not installed: 404. */
  missing: readonly ResourceName[];
  /** In which versions resources are served, of those of which that is given; the others in all that they have. */
  served: Partial<Record<ResourceName, readonly string[]>>;
  /** What the caller may not do: 403. */
  forbidden: readonly {
    readonly resource: ResourceName;
    readonly verb: 'list' | 'watch' | 'get' | 'create' | 'update';
  }[];
  /** Nobody may ask which versions a group has: 403. */
  groupsHidden: boolean;
  /** Something happens before a request for one object is carried out, or instead. */
  onObject: ((request: ObjectRequest) => ObjectTrouble | undefined) | undefined;
  bookmarkMs: number;
  /** How long a version is waited for that the server does not have yet. */
  freshMs: number;
  bookmarksFromThePast: boolean;
  /** Bodies come in chunks of at most so many bytes. */
  chunkBytesMax: number | undefined;
  /** Decides about each request for which no fault is queued. */
  chaos: ((request: LoggedRequest) => Fault | undefined) | undefined;
}

/** A request for one object, by GET, POST or PUT. */
export interface ObjectRequest {
  readonly method: string;
  readonly resource: ResourceName;
  /** `shop/web` */
  readonly key: string;
  readonly isStatus: boolean;
  /** Names the client. */
  readonly userAgent: string;
  readonly body: RawObject | undefined;
  readonly atMs: number;
  status: number;
}

/** An HTTP status instead; no answer at all; or it is carried out, and the answer is lost with the connection. */
export type ObjectTrouble = number | 'silence' | 'lost';

export interface LoggedRequest {
  readonly resource: ResourceName;
  /** `v1alpha2` */
  readonly version: string;
  readonly kind: RequestKind;
  readonly parameters: Readonly<Record<string, string>>;
  readonly token: string | undefined;
  /** Number of the TCP connection that it came on. */
  readonly connection: number;
  readonly atMs: number;
  /** As soon as it is known; 0 for an answer that never came. */
  status: number;
}

export const NORMAL: Behaviour = {
  watchList: 'on',
  tokens: undefined,
  missing: [],
  // Most clusters have none of these.
  served: {
    grpcroutes: [],
    httproutes: [],
    tlsroutes: [],
    tcproutes: [],
    udproutes: [],
    referencegrants: [],
    destinationrules: [],
  },
  forbidden: [],
  groupsHidden: false,
  onObject: undefined,
  bookmarkMs: 60_000,
  freshMs: 3000,
  bookmarksFromThePast: false,
  chunkBytesMax: undefined,
  chaos: undefined,
};
