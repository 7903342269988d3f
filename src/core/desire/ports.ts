import { flat } from '../model/flat.ts';
import type {
  Complaint,
  EndpointSliceObject,
  EndpointSlicePort,
  ServiceObject,
  ServicePort,
} from '../model/objects.ts';
import { complaintAbout } from './complaint.ts';

/** A port that the kernel programs can serve. */
export interface ServedPort extends ServicePort {
  readonly protocol: 'TCP' | 'UDP';
}

export const isServed = (port: ServicePort): port is ServedPort => port.protocol !== 'SCTP';

/** SCTP has no connect hook that could choose: such connections are left alone. */
export const notServedComplaint = (service: ServiceObject, index: number): Complaint =>
  complaintAbout(
    service,
    'note',
    `spec.ports[${index}].protocol`,
    'SCTP is not served: its connections are left alone',
  );

/**
 * Where a slice's endpoints listen for this port of the Service. The slice controller has already resolved the
 * targetPort, also a named one that differs from Pod to Pod (one slice for each number), so name and protocol decide.
 */
export const targetOf = (
  slice: EndpointSliceObject,
  port: Pick<ServicePort, 'name' | 'protocol'>,
): EndpointSlicePort | undefined =>
  slice.ports.find(({ name, protocol }) => name === port.name && protocol === port.protocol);

/** `namespace/service/port-name/PROTOCOL`. */
export const portId = (service: ServiceObject, port: ServicePort): string =>
  flat('/', service.namespace, service.name, port.name, port.protocol);

/** By its `portId`. */
export const servedPort = (service: ServiceObject, id: string): ServedPort | undefined =>
  service.ports.filter(isServed).find((port) => portId(service, port) === id);
