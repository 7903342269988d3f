import { byAge, hasNodePort, hasPort } from '../claims.ts';
import { type Cluster, keyOf } from '../cluster.ts';
import { externalAddresses } from '../desire/addresses.ts';
import type { LocalNode } from '../desire/node.ts';
import { compareText } from '../desire/order.ts';
import { isServed, type ServedPort } from '../desire/ports.ts';
import { notProgrammed } from '../desire/programmed.ts';
import type { AddressKind } from '../model/desired.ts';
import type { ServiceObject, ServicePort } from '../model/objects.ts';
import type { EndpointOf, LeftAloneReason, Question } from './decision.ts';

/** The Service port that answers a question, and the other Services that would like to. */
export interface Owner {
  readonly service: ServiceObject;
  readonly port: ServedPort;
  readonly kind: AddressKind;
  readonly rivals: readonly ServiceObject[];
}

/** A cluster address, but no port of its Service. */
export interface ClosedBy {
  readonly closedBy: ServiceObject;
  readonly ports: readonly string[];
}

/** Looks at every Service: questions are rare, and an index for them would be paid for by every change. */
export const findOwner = (
  cluster: Cluster,
  node: LocalNode,
  question: Question,
): Owner | ClosedBy | LeftAloneReason => {
  const { address } = question;
  const services = [...cluster.services.values()].sort(byAge);
  const programmed = services.filter((service) => notProgrammed(service, node.proxyName) === undefined);
  const holders = programmed.filter(({ clusterIPs }) => clusterIPs.includes(address));
  const guests = programmed.filter((service) => externalAddresses(service, node).includes(address));
  if (holders.length > 0) return atClusterAddress(holders, guests, question);
  // Another proxy's: nobody else answers there.
  if (services.some(({ clusterIPs }) => clusterIPs.includes(address)))
    return withoutService(cluster, node, question, services, guests);
  return (
    atExternalAddress(guests, question) ??
    atNode(programmed, node, question) ??
    withoutService(cluster, node, question, services, guests)
  );
};

const atClusterAddress = (
  holders: readonly ServiceObject[],
  guests: readonly ServiceObject[],
  question: Question,
): Owner | ClosedBy | LeftAloneReason => {
  const [service, ...rivals] = holders.filter((holder) => hasPort(holder, question.port, question.protocol));
  if (service !== undefined) {
    const others = guests.filter((guest) => hasPort(guest, question.port, question.protocol));
    return owned(service, 'cluster', [...rivals, ...others], (port) => port.port === question.port, question);
  }
  const ports = portTexts(holders, ({ port }) => port);
  const closedBy = holders.find((holder) => holder.ports.some(isServed));
  return closedBy !== undefined && question.protocol !== 'SCTP'
    ? { closedBy, ports }
    : { reason: 'no such port', service: holders.map(keyOf).join(' and '), ports };
};

const atExternalAddress = (
  guests: readonly ServiceObject[],
  question: Question,
): Owner | LeftAloneReason | undefined => {
  const [service, ...rivals] = guests.filter((guest) => hasPort(guest, question.port, question.protocol));
  return service && owned(service, 'external', rivals, (port) => port.port === question.port, question);
};

const atNode = (
  programmed: readonly ServiceObject[],
  node: LocalNode,
  question: Question,
): Owner | LeftAloneReason | undefined => {
  if (!node.addresses.includes(question.address)) return undefined;
  const [service, ...rivals] = programmed.filter((each) => hasNodePort(each, question.port, question.protocol));
  return service && owned(service, 'node', rivals, ({ nodePort }) => nodePort === question.port, question);
};

const owned = (
  service: ServiceObject,
  kind: AddressKind,
  rivals: readonly ServiceObject[],
  isAsked: (port: ServicePort) => boolean,
  { protocol }: Question,
): Owner | LeftAloneReason => {
  const port = service.ports.filter(isServed).find((own) => isAsked(own) && own.protocol === protocol);
  return port === undefined
    ? { reason: 'protocol not served', service: keyOf(service) }
    : { service, port, kind, rivals };
};

const withoutService = (
  cluster: Cluster,
  node: LocalNode,
  { address }: Question,
  services: readonly ServiceObject[],
  guests: readonly ServiceObject[],
): LeftAloneReason => {
  const holder = services.find(({ clusterIPs }) => clusterIPs.includes(address));
  const complaint = holder && notProgrammed(holder, node.proxyName);
  if (holder !== undefined && complaint !== undefined) {
    return { reason: 'not programmed', service: keyOf(holder), complaint };
  }
  if (guests.length > 0) {
    const names = guests.map((guest) => `Service ${keyOf(guest)}`).join(' and ');
    return { reason: 'not one of its ports', of: names, ports: portTexts(guests, ({ port }) => port) };
  }
  if (node.addresses.includes(address)) {
    const ports = portTexts(services, ({ nodePort }) => nodePort);
    return { reason: 'not one of its ports', of: `node ${node.name}`, ports };
  }
  const of = endpointOf(cluster, address);
  if (of.length > 0) return { reason: 'endpoint address', of };
  const pod = [...cluster.pods.values()].find(({ addresses }) => addresses.includes(address));
  return pod === undefined ? { reason: 'no such address' } : { reason: 'pod address', pod: keyOf(pod) };
};

const endpointOf = (cluster: Cluster, address: string): readonly EndpointOf[] =>
  [...cluster.slices.byKey.values()]
    .filter(({ endpoints }) => endpoints.some((endpoint) => endpoint.address === address))
    .map(({ namespace, service, name }) => {
      const key = keyOf({ namespace, name: service });
      return { service: key, slice: name, headless: cluster.services.get(key)?.headless ?? false };
    })
    .sort((a, b) => compareText(a.service, b.service) || compareText(a.slice, b.slice));

const portTexts = (services: readonly ServiceObject[], numberOf: (port: ServicePort) => number): readonly string[] => [
  ...new Set(
    services.flatMap(({ ports }) =>
      ports.filter((port) => numberOf(port) > 0).map((port) => `${numberOf(port)}/${port.protocol}`),
    ),
  ),
];
