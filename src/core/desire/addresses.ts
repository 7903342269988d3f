import type { Complaint, Family, ServiceObject } from '../model/objects.ts';
import { complaintAbout } from './complaint.ts';
import type { NodeIdentity } from './desire.ts';
import { familyOf } from './family.ts';
import type { LocalNode } from './node.ts';
import type { ServedPort } from './ports.ts';

/** Addresses of one family at which clients on this node ask for a Service port, by the number that they ask for. */
export interface Asked {
  readonly cluster: readonly string[];
  /** At the port's own number. */
  readonly external: readonly string[];
  /** At its node port. */
  readonly node: readonly string[];
}

export const askedOf = (service: ServiceObject, port: ServedPort, node: LocalNode, family: Family): Asked => {
  const ofFamily = (addresses: readonly string[]): readonly string[] =>
    addresses.filter((address) => familyOf(address) === family);
  return {
    cluster: ofFamily(service.clusterIPs),
    external: ofFamily(externalAddresses(service, node)),
    node: port.nodePort === 0 ? NONE : ofFamily(node.addresses),
  };
};

/**
 * Addresses outside the cluster's own that Shunt answers for. `spec.externalIPs` only where the administrator said so:
 * whoever may edit a Service could take over any address with them (CVE-2020-8554; deprecated by Kubernetes 1.36).
 * Those of a load balancer with source ranges are left to whoever sees packets: what a client's address will be is not
 * known when it connects.
 */
export const externalAddresses = (service: ServiceObject, { externalIPs }: NodeIdentity): readonly string[] => {
  const own = new Set<string>();
  if (externalIPs) for (const address of service.externalIPs) own.add(address);
  if (!service.sourceRanges) for (const address of service.loadBalancerIPs) own.add(address);
  for (const address of service.clusterIPs) own.delete(address);
  return own.size === 0 ? NONE : [...own];
};

export const addressComplaints = (service: ServiceObject, { externalIPs }: NodeIdentity): readonly Complaint[] => {
  const complaints: Complaint[] = [];
  if (service.externalIPs.length > 0 && !externalIPs) {
    complaints.push(complaintAbout(service, 'note', 'spec.externalIPs', 'are left alone: --external-ips is off'));
  }
  if (service.loadBalancerIPs.length > 0 && service.sourceRanges) {
    const message = 'restrict who may use the load balancer: its addresses are left alone';
    complaints.push(complaintAbout(service, 'note', 'spec.loadBalancerSourceRanges', message));
  }
  return complaints;
};

const NONE: readonly string[] = [];
