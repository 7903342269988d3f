import { keyOf } from './cluster.ts';
import { externalAddresses } from './desire/addresses.ts';
import { complaintAbout, objectText } from './desire/complaint.ts';
import type { NodeIdentity } from './desire/desire.ts';
import { compareText } from './desire/order.ts';
import { isServed } from './desire/ports.ts';
import { notProgrammed } from './desire/programmed.ts';
import type { DesiredGroup, DesiredPort } from './model/desired.ts';
import { flat } from './model/flat.ts';
import type { Complaint, Protocol, ServiceObject } from './model/objects.ts';

/**
 * Which Services want which addresses. The API server gives a cluster address and a node port to one Service alone; a
 * directory of files may hold anything, and external addresses are anybody's word. A Service whose cluster address it is
 * owns it whole, also one that another proxy serves: nobody takes traffic of the cluster over by naming its address. Else
 * the oldest Service that wants an address, port and protocol owns it, so that a newcomer cannot take its traffic over,
 * and the next one takes over when the owner goes. What carries no time counts as a newcomer. Where an external address is
 * one of the node as well, it comes before node ports, as in kube-proxy's rules. Only `stake` writes.
 */
export interface Claims {
  readonly identity: NodeIdentity;
  /** What counts now, by `namespace/name`. */
  readonly services: Map<string, ServiceObject>;
  /** By address, or `:number` of a node port: the only claimant, which is nearly always so, or all of them in order. */
  readonly claimants: Map<string, ServiceObject | readonly ServiceObject[]>;
}

export const createClaims = (identity: NodeIdentity): Claims => ({
  identity,
  services: new Map(),
  claimants: new Map(),
});

/**
 * Records what a Service wants: `service` is undefined when it is gone. Returns the keys of the other Services whose part
 * may have changed by that; `settle` those too once all changes are recorded.
 */
export const stake = (claims: Claims, key: string, service: ServiceObject | undefined): readonly string[] => {
  const previous = claims.services.get(key);
  if (previous === service) return NONE;
  if (service === undefined) claims.services.delete(key);
  else claims.services.set(key, service);

  const neighbours = new Set<string>();
  if (previous !== undefined) leave(claims, previous, neighbours);
  if (service !== undefined) enter(claims, service, neighbours);
  return neighbours.size === 0 ? NONE : [...neighbours];
};

/** The part of a Service's desired ports that is its own, and a warning for each address that another one owns. */
export const settle = (
  claims: Claims,
  service: ServiceObject,
  ports: readonly DesiredPort[],
): { readonly ports: readonly DesiredPort[]; readonly complaints: readonly Complaint[] } => {
  const isShared = claimsOf(service, claims.identity).some((claim) => isList(claims.claimants.get(claim)));
  if (!isShared && !ports.some((port) => hasClaimedNodePort(claims, port))) return { ports, complaints: NONE };
  const complaints: Complaint[] = [];
  const own: DesiredPort[] = [];
  for (const port of ports) {
    const groups = port.groups.map((group) => settleGroup(claims, service, port, group, complaints));
    const left = groups.filter(({ addresses }) => addresses.length > 0);
    const closed = port.closed.filter((address) => isCloser(claims, service, address));
    if (left.length + closed.length > 0) own.push({ ...port, groups: left, closed });
  }
  return { ports: own, complaints };
};

/** The order in which Services get what several want. */
export const byAge = (a: ServiceObject, b: ServiceObject): number =>
  a.createdAtMs - b.createdAtMs || compareText(keyOf(a), keyOf(b));

export const hasPort = (service: ServiceObject, port: number, protocol: Protocol): boolean =>
  service.ports.some((own) => own.port === port && own.protocol === protocol);

export const hasNodePort = (service: ServiceObject, port: number, protocol: Protocol): boolean =>
  service.ports.some((own) => own.nodePort === port && own.protocol === protocol);

/** At addresses of the node that are also addresses of Services. */
const hasClaimedNodePort = ({ claimants }: Claims, { groups }: DesiredPort): boolean =>
  groups.some(({ kind, addresses }) => kind === 'node' && addresses.some((address) => claimants.has(address)));

/** Says why a Service goes without: `owner` came before it. */
const precedence = (
  { identity }: Claims,
  owner: ServiceObject,
  other: ServiceObject,
  { kind }: DesiredGroup,
  address: string,
): string => {
  if (isClusterAddress(owner, address) && !isClusterAddress(other, address)) return 'has it as its cluster address';
  if (kind === 'node' && externalAddresses(owner, identity).includes(address)) return 'has it as an external address';
  return owner.createdAtMs < other.createdAtMs ? 'is older' : 'is as old and comes first by name';
};

/** Shared, because nearly every answer is this one. */
const NONE: readonly never[] = [];

/** Of all others nothing counts but that their cluster addresses are their own. */
const isOurs = (service: ServiceObject, { proxyName }: NodeIdentity): boolean =>
  notProgrammed(service, proxyName) === undefined;

const claimsOf = (service: ServiceObject, identity: NodeIdentity): readonly string[] => {
  if (!isOurs(service, identity)) return service.clusterIPs;
  const external = externalAddresses(service, identity);
  const nodePorts = service.ports.filter(({ nodePort }) => nodePort > 0).map(({ nodePort }) => nodePortClaim(nodePort));
  return external.length + nodePorts.length === 0
    ? service.clusterIPs
    : [...new Set([...service.clusterIPs, ...external, ...nodePorts])];
};

const nodePortClaim = (number: number): string => flat('', ':', String(number));

const leave = ({ identity, claimants }: Claims, service: ServiceObject, neighbours: Set<string>): void => {
  for (const claim of claimsOf(service, identity)) {
    const others = listOf(claimants.get(claim)).filter((claimant) => claimant !== service);
    for (const other of others) neighbours.add(keyOf(other));
    const [only] = others;
    if (only === undefined) claimants.delete(claim);
    else claimants.set(claim, others.length === 1 ? only : others);
  }
  tellNodePorts(claimants, service, neighbours);
};

const enter = ({ identity, claimants }: Claims, service: ServiceObject, neighbours: Set<string>): void => {
  for (const claim of claimsOf(service, identity)) {
    const others = listOf(claimants.get(claim));
    for (const other of others) neighbours.add(keyOf(other));
    claimants.set(claim, others.length === 0 ? service : [...others, service].sort(byRight(claim, identity)));
  }
  tellNodePorts(claimants, service, neighbours);
};

/** Whose node port is a port of this Service: they meet where the node has an address of this Service. */
const tellNodePorts = (claimants: Claims['claimants'], service: ServiceObject, neighbours: Set<string>): void => {
  for (const { port } of service.ports)
    for (const other of listOf(claimants.get(nodePortClaim(port)))) if (other !== service) neighbours.add(keyOf(other));
};

/** A cluster address is its Service's before it is anybody's external address; of two that have it, ours counts. */
const byRight = (claim: string, identity: NodeIdentity): typeof byAge => {
  const right = (service: ServiceObject): number => {
    if (!isClusterAddress(service, claim)) return 0;
    return isOurs(service, identity) ? 2 : 1;
  };
  return (a, b) => right(b) - right(a) || byAge(a, b);
};

const isClusterAddress = ({ clusterIPs }: ServiceObject, address: string): boolean => clusterIPs.includes(address);

/** A Service without a port that is served closes nothing. */
const isCloser = ({ claimants }: Claims, service: ServiceObject, address: string): boolean => {
  // Ours come first, and `service` is one of them.
  const closer = listOf(claimants.get(address)).find(({ ports }) => ports.some(isServed));
  return closer === undefined || keyOf(closer) === keyOf(service);
};

const settleGroup = (
  claims: Claims,
  service: ServiceObject,
  { protocol }: DesiredPort,
  group: DesiredGroup,
  complaints: Complaint[],
): DesiredGroup => {
  const addresses = group.addresses.filter((address) => {
    const { owner, isElsewhere } = ownerOf(claims, service, group, address, protocol);
    if (owner === undefined || keyOf(owner) === keyOf(service)) return !isElsewhere;
    // Said once, of the group of everybody.
    if (group.client !== undefined) return false;
    const why = precedence(claims, owner, service, group, address);
    const message = `${address} port ${group.port}/${protocol} is left to ${objectText(owner)}, which ${why}`;
    complaints.push(complaintAbout(service, 'warning', pathOf(service, group, address), message));
    return false;
  });
  return addresses.length === group.addresses.length ? group : { ...group, addresses };
};

/** `isElsewhere`: among external addresses, or cluster addresses, of which a node port comes last. */
const ownerOf = (
  { claimants, identity }: Claims,
  service: ServiceObject,
  { kind, port }: DesiredGroup,
  address: string,
  protocol: Protocol,
): { readonly owner: ServiceObject | undefined; readonly isElsewhere: boolean } => {
  const list = listOf(claimants.get(address));
  const holder = list[0] !== undefined && isClusterAddress(list[0], address) ? list[0] : undefined;
  const claimant = list.find((each) => isOurs(each, identity) && hasPort(each, port, protocol));
  if (kind !== 'node') {
    const isHolders = holder !== undefined && !isClusterAddress(service, address);
    return { owner: isHolders ? holder : claimant, isElsewhere: false };
  }
  const other = holder ?? claimant;
  if (other !== undefined) return { owner: other, isElsewhere: true };
  const nodePorts = listOf(claimants.get(nodePortClaim(port)));
  return { owner: nodePorts.find((each) => hasNodePort(each, port, protocol)), isElsewhere: false };
};

const pathOf = (service: ServiceObject, { kind, port }: DesiredGroup, address: string): string => {
  switch (kind) {
    case 'cluster':
      return `spec.clusterIPs[${service.clusterIPs.indexOf(address)}]`;
    case 'node':
      return `spec.ports[${service.ports.findIndex(({ nodePort }) => nodePort === port)}].nodePort`;
    case 'external': {
      const index = service.externalIPs.indexOf(address);
      return index < 0 ? 'status.loadBalancer.ingress' : `spec.externalIPs[${index}]`;
    }
  }
};

type Claimants = ServiceObject | readonly ServiceObject[] | undefined;

const listOf = (claimants: Claimants): readonly ServiceObject[] => {
  if (claimants === undefined) return [];
  return isList(claimants) ? claimants : [claimants];
};

/** Array.isArray does not narrow readonly arrays. */
const isList = (claimants: Claimants): claimants is readonly ServiceObject[] => Array.isArray(claimants);
