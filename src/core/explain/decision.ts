import type { AddressKind, ChoiceRule } from '../model/desired.ts';
import type { Complaint, Protocol } from '../model/objects.ts';
import type { UnresolvedReason } from '../route/backend.ts';
import type { PairJudgement } from '../same-node/judge.ts';
import type { IdleRoute } from './idle-routes.ts';

/** What a client is about to connect to. */
export interface Question {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** `namespace/name` of the Pod that asks; absent: anybody who is not known as a client. */
  readonly client?: string;
}

/** Of a protocol that the kernel programs serve. */
export interface ServedQuestion extends Question {
  readonly protocol: 'TCP' | 'UDP';
}

/** What happens to a new connection, and why. Plain data: `explain -o json` prints it as it is. */
export type Decision = Sent | Refused | Closed | LeftAlone;

export interface Sent extends Answered {
  readonly outcome: 'sent';
}

/** ECONNREFUSED at once. */
export interface Refused extends Answered {
  readonly outcome: 'refused';
  readonly reason: RefusedReason;
}

/** ECONNREFUSED at once: a cluster address, but no port of its Service. */
export interface Closed extends Asked {
  readonly outcome: 'refused';
  readonly reason: 'no such port';
  /** `namespace/name`. */
  readonly service: string;
  /** Such as `80/TCP`. */
  readonly ports: readonly string[];
}

/** Shunt does nothing: plain routing, or another proxy, takes the connection. */
export interface LeftAlone extends Asked {
  readonly outcome: 'left alone';
  readonly why: LeftAloneReason;
}

interface Asked {
  readonly question: Question;
  /** Present when the Pod that asks is on another node than it is asked on (empty: unknown): all is said of that node. */
  readonly elsewhere?: { readonly node: string; readonly askedOn: string };
  /** What the kernel's tables held when they were looked at; absent when they were not. */
  readonly kernel?: KernelAnswer;
  /** Errors of reading that may concern this answer: each keeps its object, or file, as it was read before. */
  readonly errors?: readonly Complaint[];
  /** Whether the client that the question names and endpoints on its node talk socket to socket, if anybody asks for it. */
  readonly sameNode?: readonly ExplainedPair[];
  /** The source has not been read yet: this follows from what is known of it so far. */
  readonly unread?: true;
  /** Names of programs of the agent that are not in force: until they are, the kernel does not decide as is said here. */
  readonly detached?: readonly string[];
  /** Routes of the Service that are not in force there. */
  readonly idleRoutes?: readonly IdleRoute[];
}

/** The client and an endpoint on its node. */
export type ExplainedPair = PairJudgement & {
  readonly address: string;
  readonly port: number;
  /** `namespace/name` of the endpoint's Pod. */
  readonly pod: string;
};

interface Answered extends Asked, ExplainedPolicy {
  /** `namespace/name` of the owner of the address. */
  readonly service: string;
  /** Name of the Service port, as in EndpointSlices. */
  readonly portName: string;
  /** `DesiredPort.id`. */
  readonly portId: string;
  readonly kind: AddressKind;
  /** 0: no session affinity. */
  readonly affinityTimeoutS: number;
  /** The only node whose endpoints may answer here; absent when any may. */
  readonly onlyNode?: string;
  /** Names of all EndpointSlices of the Service, in order. */
  readonly slices: readonly string[];
  /** Every endpoint of every slice, in the order of slice names. */
  readonly endpoints: readonly ExplainedEndpoint[];
  /** How one of them is chosen. Of a route each arm has its own. */
  readonly choice: ChoiceRule;
  /** Present when a route counts: then arms share the connections, and `endpoints` is empty. */
  readonly route?: ExplainedRoute;
  readonly arms?: readonly ExplainedArm[];
  /** Of the Pod that asks, if the question names one. */
  readonly client?: ExplainedClient;
  /** Pods of this node that are answered otherwise than this; only if the question names none. */
  readonly otherwise?: readonly string[];
  /** `namespace/name` of other Services that want the same address and port, and go without. */
  readonly rivals: readonly string[];
  /** What `desire` complains about the owner. */
  readonly complaints: readonly Complaint[];
}

/** The policy of the Service that is asked, or of that of an arm. Absent with a route, and where there is none. */
export interface ExplainedPolicy {
  /** The one that counts here: `TrafficPolicy shop/weights`. */
  readonly policy?: string;
  /** The one for everybody, where it says what `policy`, which is for some clients, leaves unsaid. */
  readonly fallback?: string;
  /** The one that says how endpoints are chosen, where it is not `policy`. */
  readonly choiceBy?: string;
}

/** Of what counts for whom: see src/core/route/precedence.ts. */
export interface ExplainedRoute {
  /** `TCPRoute shop/split` */
  readonly name: string;
  /** The namespace whose Pods alone it is for; absent: all. */
  readonly onlyNamespace?: string;
  /** The policy that narrows it to some clients. */
  readonly narrowedBy?: string;
}

/** What becomes of one backendRef, in the order of the route. */
export interface ExplainedArm extends ExplainedPolicy {
  /** `DesiredArm.id` */
  readonly id: string;
  /** `namespace/name` of its Service. */
  readonly service: string;
  /** The exact share is weight / of. */
  readonly weight: number;
  readonly of: number;
  readonly percent: number;
  /** Present when its share is refused. */
  readonly refused?: ArmRefusal;
  readonly choice: ChoiceRule;
  readonly onlyNode?: string;
  readonly slices: readonly string[];
  /** Shares are those within the arm. */
  readonly endpoints: readonly ExplainedEndpoint[];
}

/** A reference that leads nowhere, or a Service whose endpoints cannot answer. */
export type ArmRefusal =
  | { readonly unresolved: UnresolvedReason; readonly message: string }
  | { readonly reason: RefusedReason };

/**
 * `apart`: answered otherwise than everybody. `unknown`: no Pod of this node, so what is said is what everybody gets. `no
 * cgroup`: so is it, because the kernel cannot tell whose its connections are. `other node`: so is it, because the kernel that
 * knows the Pod is not the one that was looked at.
 */
export interface ExplainedClient {
  readonly pod: string;
  readonly standing: 'apart' | 'as everybody' | 'unknown' | 'no cgroup' | 'other node';
  /** Where it is, if that is another node than the agent's. */
  readonly node?: string;
}

export type RefusedReason =
  | 'no slice'
  | 'no endpoint'
  | 'no endpoint of that family'
  | 'no endpoint with that port'
  | 'no endpoint on this node'
  | 'no endpoint ready'
  | 'every weight is 0'
  /** Of a route: no backend has any weight, or none of those that have can answer. */
  | 'no backend weighs'
  | 'no backend answers';

export type LeftAloneReason =
  | { readonly reason: 'no such address' }
  /** The address of a Pod or the like: nobody chooses. */
  | { readonly reason: 'endpoint address'; readonly of: readonly EndpointOf[] }
  /** Of a Pod on this node, `namespace/name`, that answers for no Service. */
  | { readonly reason: 'pod address'; readonly pod: string }
  /** Of this node, or one that the Service has beside its cluster addresses: only its own ports are Shunt's. */
  | { readonly reason: 'not one of its ports'; readonly of: string; readonly ports: readonly string[] }
  /** Headless, ExternalName, or another proxy's. */
  | { readonly reason: 'not programmed'; readonly service: string; readonly complaint: Complaint }
  | { readonly reason: 'no such port'; readonly service: string; readonly ports: readonly string[] }
  | { readonly reason: 'protocol not served'; readonly service: string };

export interface EndpointOf {
  readonly service: string;
  readonly slice: string;
  readonly headless: boolean;
}

export interface ExplainedEndpoint {
  readonly address: string;
  /** Absent when its slice has no port of that name. */
  readonly port?: number;
  /** Name of the EndpointSlice that lists it. */
  readonly slice: string;
  /** Empty when unknown, as are `zone` and `pod`. */
  readonly node: string;
  readonly zone: string;
  readonly pod: string;
  readonly verdict: Verdict;
}

export type Verdict =
  | {
      readonly verdict: 'share';
      /** The exact share is weight / of. */
      readonly weight: number;
      readonly of: number;
      readonly percent: number;
      readonly saidBy?: PolicyEntry;
      /** While it is new: how much of its weight it has, in percent. */
      readonly risen?: number;
    }
  | { readonly verdict: 'other family' | 'no port of that name' | 'not on this node' }
  /** Ready, but by their hints others are nearer. */
  | { readonly verdict: 'for other nodes' | 'for other zones' }
  | { readonly verdict: 'not ready'; readonly terminating: boolean }
  | { readonly verdict: 'terminating, others are ready' }
  | { readonly verdict: 'counted already'; readonly slice: string }
  | { readonly verdict: 'weight 0'; readonly saidBy?: PolicyEntry };

/** An entry of `spec.endpointWeights`. */
export interface PolicyEntry {
  readonly policy: string;
  readonly entry: number;
}

export interface KernelAnswer {
  readonly outcome: Decision['outcome'];
  /** By `address:port`; 0..1. */
  readonly shares: Readonly<Record<string, number>>;
  /** The share of connections that are refused; 0..1. */
  readonly refused: number;
  /** Whether that is what the objects ask for. */
  readonly agrees: boolean;
  /** It leads somewhere only because the source has not been read as a whole: the last agent left it so. */
  readonly kept?: true;
}
