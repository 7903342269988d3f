import type { RefusedReason } from './decision.ts';

/** Why a Service, or one of the arms of its route, refuses. */
export const refusedText = (reason: RefusedReason, { slices }: { readonly slices: readonly string[] }): string =>
  ({
    'no slice': 'no EndpointSlice is labelled with the name of this Service',
    'no endpoint': `EndpointSlice ${slices.join(', ')} lists no endpoint`,
    'no endpoint of that family': 'all of its endpoints are of the other address family',
    'no endpoint with that port': 'no EndpointSlice has a port of this name and protocol',
    'no endpoint on this node': 'none of its endpoints is on this node',
    'no endpoint ready': 'no endpoint that may answer is ready',
    'every weight is 0': 'every endpoint that could answer has weight 0',
    'no backend weighs': 'its route has no backend with a weight',
    'no backend answers': 'no backend of its route can answer',
  })[reason];
