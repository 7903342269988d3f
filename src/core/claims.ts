import { keyOf } from './cluster.ts';
import { complaintAbout, objectText } from './desire/complaint.ts';
import { compareText } from './desire/order.ts';
import type { DesiredGroup, DesiredPort } from './model/desired.ts';
import type { Complaint, Protocol, ServiceObject } from './model/objects.ts';

/**
 * Which Services want which addresses. The API server gives an address to one Service alone; a directory of files may
 * hold anything. Then the oldest Service that wants an address, port and protocol owns it, so that a newcomer cannot
 * take its traffic over, and the next one takes over when the owner goes. What carries no time counts as a newcomer. Only
 * `stake` writes.
 */
export interface Claims {
  /** What counts now, by `namespace/name`. */
  readonly services: Map<string, ServiceObject>;
  /** By address: the only claimant, which is nearly always so, or all of them in the order of `byAge`. */
  readonly claimants: Map<string, ServiceObject | readonly ServiceObject[]>;
}

export const createClaims = (): Claims => ({ services: new Map(), claimants: new Map() });

/**
 * Records what a Service wants: `service` is undefined when it is gone or not programmed. Returns the keys of the other
 * Services whose part may have changed by that; `settle` those too once all changes are recorded.
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
  if (!service.clusterIPs.some((address) => isList(claims.claimants.get(address)))) return { ports, complaints: NONE };
  const complaints: Complaint[] = [];
  const own: DesiredPort[] = [];
  for (const port of ports) {
    const groups = port.groups.map((group) => settleGroup(claims, service, port, group, complaints));
    const left = groups.filter(({ addresses }) => addresses.length > 0);
    if (left.length > 0) own.push({ ...port, groups: left });
  }
  return { ports: own, complaints };
};

/** The order in which Services get an address that several want. */
export const byAge = (a: ServiceObject, b: ServiceObject): number =>
  a.createdAtMs - b.createdAtMs || compareText(keyOf(a), keyOf(b));

export const hasPort = (service: ServiceObject, port: number, protocol: Protocol): boolean =>
  service.ports.some((own) => own.port === port && own.protocol === protocol);

/** Says why a Service goes without: `owner` came before it. */
const precedence = (owner: ServiceObject, other: ServiceObject): string =>
  owner.createdAtMs < other.createdAtMs ? 'is older' : 'is as old and comes first by name';

/** Shared, because nearly every answer is this one. */
const NONE: readonly never[] = [];

const leave = ({ claimants }: Claims, service: ServiceObject, neighbours: Set<string>): void => {
  for (const address of service.clusterIPs) {
    const others = listOf(claimants.get(address)).filter((claimant) => claimant !== service);
    for (const other of others) neighbours.add(keyOf(other));
    const [only] = others;
    if (only === undefined) claimants.delete(address);
    else claimants.set(address, others.length === 1 ? only : others);
  }
};

const enter = ({ claimants }: Claims, service: ServiceObject, neighbours: Set<string>): void => {
  for (const address of service.clusterIPs) {
    const others = listOf(claimants.get(address));
    for (const other of others) neighbours.add(keyOf(other));
    claimants.set(address, others.length === 0 ? service : [...others, service].sort(byAge));
  }
};

const settleGroup = (
  claims: Claims,
  service: ServiceObject,
  { port, protocol }: DesiredPort,
  group: DesiredGroup,
  complaints: Complaint[],
): DesiredGroup => {
  const addresses = group.addresses.filter((address) => {
    const owner = listOf(claims.claimants.get(address)).find((claimant) => hasPort(claimant, port, protocol));
    if (owner === undefined || keyOf(owner) === keyOf(service)) return true;
    const path = `spec.clusterIPs[${service.clusterIPs.indexOf(address)}]`;
    const message = `${address} port ${port}/${protocol} is left to ${objectText(owner)}, which ${precedence(owner, service)}`;
    complaints.push(complaintAbout(service, 'warning', path, message));
    return false;
  });
  return addresses.length === group.addresses.length ? group : { ...group, addresses };
};

type Claimants = ServiceObject | readonly ServiceObject[] | undefined;

const listOf = (claimants: Claimants): readonly ServiceObject[] => {
  if (claimants === undefined) return [];
  return isList(claimants) ? claimants : [claimants];
};

/** Array.isArray does not narrow readonly arrays. */
const isList = (claimants: Claimants): claimants is readonly ServiceObject[] => Array.isArray(claimants);
