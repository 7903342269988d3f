import { byAge, hasPort } from '../claims.ts';
import { type Cluster, keyOf } from '../cluster.ts';
import type { NodeIdentity } from '../desire/desire.ts';
import { compareText } from '../desire/order.ts';
import { isServed, type ServedPort } from '../desire/ports.ts';
import { notProgrammed } from '../desire/programmed.ts';
import type { ServiceObject } from '../model/objects.ts';
import type { EndpointOf, LeftAloneReason, Question } from './decision.ts';

/** The Service port that answers a question, and the other Services that would like to. */
export interface Owner {
  readonly service: ServiceObject;
  readonly port: ServedPort;
  readonly rivals: readonly ServiceObject[];
}

/** Looks at every Service: questions are rare, and an index for them would be paid for by every change. */
export const findOwner = (cluster: Cluster, node: NodeIdentity, question: Question): Owner | LeftAloneReason => {
  const { address, port, protocol } = question;
  const holders = [...cluster.services.values()].filter(({ clusterIPs }) => clusterIPs.includes(address)).sort(byAge);
  const programmed = holders.filter((service) => notProgrammed(service, node.proxyName) === undefined);
  const [first] = programmed;
  if (first === undefined) return withoutService(cluster, node, address, holders[0]);

  const [service, ...rivals] = programmed.filter((candidate) => hasPort(candidate, port, protocol));
  if (service === undefined) return { reason: 'no such port', service: keyOf(first), ports: portTexts(programmed) };

  const own = service.ports.filter(isServed).find((candidate) => isSamePort(candidate, question));
  return own === undefined
    ? { reason: 'protocol not served', service: keyOf(service) }
    : { service, port: own, rivals };
};

const withoutService = (
  cluster: Cluster,
  node: NodeIdentity,
  address: string,
  holder: ServiceObject | undefined,
): LeftAloneReason => {
  const complaint = holder && notProgrammed(holder, node.proxyName);
  if (holder !== undefined && complaint !== undefined) {
    return { reason: 'not programmed', service: keyOf(holder), complaint };
  }
  const of = endpointOf(cluster, address);
  return of.length > 0 ? { reason: 'endpoint address', of } : { reason: 'no such address' };
};

const endpointOf = (cluster: Cluster, address: string): readonly EndpointOf[] =>
  [...cluster.slices.byKey.values()]
    .filter(({ endpoints }) => endpoints.some((endpoint) => endpoint.address === address))
    .map(({ namespace, service, name }) => {
      const key = keyOf({ namespace, name: service });
      return { service: key, slice: name, headless: cluster.services.get(key)?.headless ?? false };
    })
    .sort((a, b) => compareText(a.service, b.service) || compareText(a.slice, b.slice));

const isSamePort = (own: ServedPort, { port, protocol }: Question): boolean =>
  own.port === port && own.protocol === protocol;

const portTexts = (services: readonly ServiceObject[]): readonly string[] => [
  ...new Set(services.flatMap(({ ports }) => ports.map(({ port, protocol }) => `${port}/${protocol}`))),
];
