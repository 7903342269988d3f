import type { EndpointObject, ServiceObject } from '../model/objects.ts';

/** How good an endpoint is, best last. Only the best ones of a group that are not `out` get connections (KEP-1669). */
export const STANDING = { out: 0, terminating: 1, ready: 2 } as const;

export type Standing = (typeof STANDING)[keyof typeof STANDING];

/**
 * `terminating` endpoints still serve while they shut down: better than refusing, worse than any ready one.
 * `publishNotReadyAddresses` asks us to "disregard any indications of ready/not-ready" (Service API).
 */
export const standingOf = (endpoint: EndpointObject, service: ServiceObject): Standing => {
  if (endpoint.ready || service.publishNotReadyAddresses) return STANDING.ready;
  return endpoint.serving && endpoint.terminating ? STANDING.terminating : STANDING.out;
};
