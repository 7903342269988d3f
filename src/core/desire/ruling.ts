import { keyOf, routeKeyOf } from '../cluster/keys.ts';
import { weighedBackends } from '../route/backend.ts';
import { routeFor } from '../route/precedence.ts';
import type { BackendInput, ClientPod, RouteInput, ServiceInput } from './desire.ts';
import { type PolicyInForce, policyInForce } from './in-force.ts';
import type { ServedPort } from './ports.ts';

/** What counts at a Service port for a client. */
export interface Ruling {
  /** Undefined: the Service's own endpoints answer. */
  readonly route: RouteInput | undefined;
  /** Of the Service itself. */
  readonly policy: PolicyInForce;
  /** Of the Service that a backend of the route leads to: it weighs and chooses within its share. */
  readonly policyOf: (backend: BackendInput) => PolicyInForce;
  /** Names all that counts: clients with one name are answered alike. */
  readonly name: string;
}

/** Without a client: for everybody who is not known as one. */
export const rulingFor = (
  input: ServiceInput,
  port: ServedPort,
  client: Pick<ClientPod, 'namespace' | 'labels'> | undefined,
): Ruling => {
  const route = input.routes && routeFor(input.routes, input.service, port, client);
  const policy = policyInForce(input.policies, client);
  const policyOf = ({ answers }: BackendInput) => policyInForce(answers?.policies ?? [], client);
  const counting =
    route === undefined
      ? [policyName(policy)]
      : [routeKeyOf(route.route), ...weighedBackends(route).map((backend) => policyName(policyOf(backend)))];
  return { route, policy, policyOf, name: counting.join(' ') };
};

/** What the first leaves unsaid is the same for all clients. */
const policyName = ({ first }: PolicyInForce): string => (first === undefined ? '-' : `${first.kind} ${keyOf(first)}`);
