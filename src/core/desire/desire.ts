import type { Client, DesiredGroup, DesiredPort } from '../model/desired.ts';
import type {
  Complaint,
  EndpointSliceObject,
  Family,
  RouteBackend,
  RouteObject,
  ServiceObject,
  TrafficPolicyObject,
} from '../model/objects.ts';
import { aboutRoutes } from '../route/complaints.ts';
import { addressComplaints, askedOf } from './addresses.ts';
import { answerFor, type Basis, inOrder } from './answer.ts';
import { internalPolicyComplaint, onlyNodeOf } from './internal-policy.ts';
import { idleEntries, unfitSlices } from './mistakes.ts';
import type { LocalNode } from './node.ts';
import {
  choiceOf,
  governingPolicy,
  ignoredPolicies,
  isMeasured,
  isSameChoice,
  rankPolicies,
  unhonouredFields,
} from './policy.ts';
import { isServed, notServedComplaint, portId, type ServedPort } from './ports.ts';
import { notProgrammed } from './programmed.ts';
import { type Ruling, rulingFor } from './ruling.ts';
import type { Ramps, SlowStart } from './slow-start.ts';
import { variantsOf } from './variants.ts';

/** A Service and everything that says how it is answered. */
export interface ServiceInput {
  readonly service: ServiceObject;
  /** Those whose `service` it is, in any order. */
  readonly slices: readonly EndpointSliceObject[];
  /** Those that name it, in any order. */
  readonly policies: readonly TrafficPolicyObject[];
  /** Those that have it as a parent, in any order. Absent: none. */
  readonly routes?: readonly RouteInput[];
  /** Pods of this node, as far as they are known as clients; present where some may be answered differently. */
  readonly clients?: readonly ClientPod[];
}

/** A route and everything that says what it comes to. */
export interface RouteInput {
  readonly route: RouteObject;
  /** TrafficPolicies that narrow it to their `clients`. */
  readonly narrowings: readonly TrafficPolicyObject[];
  /** One for each of the route's backends, in their order. */
  readonly backends: readonly BackendInput[];
}

export interface BackendInput {
  readonly ref: RouteBackend;
  /** The route may refer to it: it is in the route's namespace, or a ReferenceGrant says so. */
  readonly permitted: boolean;
  /** The Service itself; absent when there is none, or none that the route may refer to. */
  readonly answers?: Pick<ServiceInput, 'service' | 'slices' | 'policies'>;
}

export interface ClientPod {
  /** `namespace/name` */
  readonly key: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly client: Client;
}

/** What the administrator of a node says. */
export interface NodeIdentity {
  /** Empty when unknown. */
  readonly name: string;
  /** We serve the Services whose `proxyName` this is; those without the label when it is empty. */
  readonly proxyName: string;
  /** `spec.externalIPs` are served. */
  readonly externalIPs: boolean;
}

export interface Desired {
  readonly ports: readonly DesiredPort[];
  readonly complaints: readonly Complaint[];
  /** Present while endpoints start slowly: desire it again after this time, even if nothing has changed. */
  readonly againMs?: number;
}

/** What the kernel should hold for a Service on this node. Equal input, in whatever order, gives equal output. */
export const desire = (input: ServiceInput & { readonly node: LocalNode; readonly slowStart?: SlowStart }): Desired => {
  const { service, policies, routes = [], node, slowStart } = input;
  const reason = notProgrammed(service, node.proxyName);
  if (reason !== undefined) return { ports: [], complaints: [reason, ...aboutRoutes(service, routes, node)] };

  const slices = inOrder(input.slices);
  const ramps: Ramps = { slowStart, againMs: Number.POSITIVE_INFINITY };
  const basis: Basis = { input: { ...input, slices }, node, ramps };
  const ranking = rankPolicies(policies);
  const complaints: Complaint[] = [
    ...ignoredPolicies(service, policies, ranking),
    ...unhonouredFields(service, policies, ranking),
    ...addressComplaints(service, node),
  ];
  const policyComplaint = internalPolicyComplaint(service, node.name);
  if (policyComplaint !== undefined) complaints.push(policyComplaint);

  const ports: DesiredPort[] = [];
  for (const [index, port] of service.ports.entries()) {
    if (isServed(port)) ports.push(desirePort(basis, port, ports.length === 0 ? service.clusterIPs : NONE));
    else complaints.push(notServedComplaint(service, index));
  }
  complaints.push(...unfitSlices(service, slices), ...idleEntries(service, slices, policies, ranking));
  complaints.push(...aboutRoutes(service, routes, node));
  return { ports, complaints, ...(ramps.againMs === Number.POSITIVE_INFINITY ? {} : { againMs: ramps.againMs }) };
};

const NONE: readonly string[] = [];

/** The groups of everybody come first, then those of clients that are answered otherwise. */
const desirePort = (basis: Basis, port: ServedPort, closed: readonly string[]): DesiredPort => {
  const { service, policies } = basis.input;
  const everybody = rulingFor(basis.input, port, undefined);
  const choice = choiceOf(governingPolicy(policies));
  return {
    id: portId(service, port),
    protocol: port.protocol,
    port: port.port,
    affinityTimeoutS: service.affinityTimeoutS,
    ...(isSameChoice(choice, choiceOf(undefined)) ? {} : { choice }),
    ...(port.protocol === 'TCP' && isMeasured(policies) ? { measured: true } : {}),
    groups: [
      ...desireGroups(basis, port, everybody),
      ...variantsOf(basis.input, port, everybody).flatMap(({ number, ruling, clients }) => {
        const groups = desireGroups(basis, port, ruling);
        return clients.flatMap((client) => groups.map((group) => ({ ...group, client, variant: number })));
      }),
    ],
    closed,
  };
};

const FAMILIES: readonly Family[] = [4, 6];

const desireGroups = (basis: Basis, port: ServedPort, ruling: Ruling): readonly DesiredGroup[] =>
  FAMILIES.flatMap((family) => desireFamily(basis, port, family, ruling));

/**
 * The families know nothing of each other: one may have endpoints while the other refuses. `internalTrafficPolicy` is
 * about the cluster addresses only. Clients inside the cluster who ask an external address reach all endpoints, whatever
 * `externalTrafficPolicy` says: that one is about clients from outside (kube-proxy does the same).
 */
const desireFamily = (basis: Basis, port: ServedPort, family: Family, ruling: Ruling): readonly DesiredGroup[] => {
  const { input, node } = basis;
  const asked = askedOf(input.service, port, node, family);
  const onlyNode = onlyNodeOf(input.service, node.name);
  if (asked.cluster.length + asked.external.length + asked.node.length === 0) return [];

  const own = answerFor(basis, port, family, onlyNode, ruling);
  const isApart = onlyNode !== undefined && asked.external.length + asked.node.length > 0;
  const others = isApart ? answerFor(basis, port, family, undefined, ruling) : own;
  const scope = isApart ? 'external' : 'cluster';
  const groups: readonly DesiredGroup[] = [
    { family, kind: 'cluster', port: port.port, addresses: asked.cluster, scope: 'cluster', ...own },
    { family, kind: 'external', port: port.port, addresses: asked.external, scope, ...others },
    { family, kind: 'node', port: port.nodePort, addresses: asked.node, scope, ...others },
  ];
  return groups.filter(({ addresses }) => addresses.length > 0);
};
