import type { Complaint, ObjectRef, RouteKind, RouteParent } from '../model/objects.ts';

/**
 * What our part of an object's status should say. `entries` are all that we have to say in it: an entry of ours that is
 * not among them goes. Those of other controllers are theirs.
 */
export interface WantedStatus {
  readonly ref: StatusRef;
  /** Of a route `status.parents[].parentRef`; of a TrafficPolicy `status.ancestors[].ancestorRef` (GEP-713). */
  readonly kind: 'parents' | 'ancestors';
  readonly entries: readonly WantedEntry[];
}

export interface StatusRef extends ObjectRef {
  readonly apiVersion: string;
  readonly generation: number;
}

export interface WantedEntry {
  /** As `parentRef` or `ancestorRef` has it. */
  readonly of: StatusTarget;
  /** Without `lastTransitionTime`, which is a matter of what stood there before. */
  readonly conditions: readonly WantedCondition[];
}

/** Fields that are absent were absent in the object too. */
export interface StatusTarget {
  readonly group: '' | 'gateway.networking.k8s.io';
  readonly kind: 'Service' | RouteKind;
  readonly namespace: string;
  readonly name: string;
  readonly port?: number;
  readonly sectionName?: string;
}

export interface WantedCondition {
  readonly type: 'Accepted' | 'ResolvedRefs';
  readonly status: 'True' | 'False';
  readonly reason: AcceptedReason | ResolvedRefsReason | PolicyReason;
  readonly message: string;
  readonly observedGeneration: number;
}

/** Of routes (https://gateway-api.sigs.k8s.io/reference/spec/, RouteConditionReason). */
export type AcceptedReason = 'Accepted' | 'NoMatchingParent' | 'UnsupportedValue' | 'Conflicted' | 'Pending';
export type ResolvedRefsReason =
  | 'ResolvedRefs'
  | 'BackendNotFound'
  | 'RefNotPermitted'
  | 'InvalidKind'
  | 'UnsupportedProtocol';
/**
 * Of policies (GEP-713, PolicyConditionReason), and of our own: `Overridden` by a route, which is no policy; `Pending`, as a
 * route has it.
 */
export type PolicyReason = 'Accepted' | 'Conflicted' | 'TargetNotFound' | 'Invalid' | 'Overridden' | 'Pending';

/** An object with an error: its last good state, if there is one, stays in force, but its status says so. */
export interface RejectedObject {
  readonly ref: StatusRef;
  readonly complaints: readonly Complaint[];
  /** What could be read of a route's parents; without it those of its last good state count. */
  readonly parents?: readonly RouteParent[];
  /** The same of a policy's targets, in its own namespace. */
  readonly targets?: readonly { readonly kind: 'Service' | RouteKind; readonly name: string }[];
}
