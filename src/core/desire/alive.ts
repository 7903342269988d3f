import type { ServicePort } from '../model/objects.ts';
import type { ServiceInput } from './desire.ts';
import type { SocketAddress } from './order.ts';
import { targetOf } from './ports.ts';

/**
 * Whether somebody may still answer there for this port of the Service. Asked of endpoints that get no new connections
 * (any more): drained ones, those that shut down but serve, and those of other nodes or zones are alive. Only what no
 * EndpointSlice lists as serving is gone.
 */
export const isAlive = (
  { service, slices }: Pick<ServiceInput, 'service' | 'slices'>,
  port: Pick<ServicePort, 'name' | 'protocol'>,
  { address, port: number }: SocketAddress,
): boolean =>
  slices.some(
    (slice) =>
      targetOf(slice, port)?.port === number &&
      slice.endpoints.some(
        (endpoint) =>
          endpoint.address === address && (endpoint.ready || endpoint.serving || service.publishNotReadyAddresses),
      ),
  );
