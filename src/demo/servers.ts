import { socketText } from '../cli/numbers.ts';
import { type Application, startServer, stopServer } from './application.ts';
import { type DemoService, LOGIN, podName, REGISTER, type Version } from './cluster.ts';
import type { EmbeddedNode } from './node.ts';
import type { Endpoint } from './objects.ts';
import type { Pod } from './pod.ts';
import type { Counts } from './tally.ts';

/** The applications in their pods: one of each version. */
export class Servers {
  readonly #node: EmbeddedNode;
  readonly #running = new Map<string, Application>();

  constructor(node: EmbeddedNode) {
    this.#node = node;
  }

  /** Resolves when it listens. */
  async start(service: DemoService, version: Version): Promise<void> {
    const pod = this.#pod(service, version);
    const name = service === LOGIN ? 'login' : 'register';
    this.#running.set(pod.name, await startServer(pod, name, [pod.name, version], REGISTER_ENVIRONMENT));
  }

  async stop(service: DemoService, version: Version): Promise<void> {
    const { name } = this.#pod(service, version);
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (child !== undefined) await stopServer(child);
  }

  /** As an EndpointSlice has it. */
  endpoint(service: DemoService, version: Version, state: Endpoint['state'] = 'ready'): Endpoint {
    const { name, address4, address6 } = this.#pod(service, version);
    return { pod: name, address4, address6, state };
  }

  /** Shares by version as the kernel has them: by the IPv4 socket of the endpoint. */
  bySocket(service: DemoService, shares: Readonly<Partial<Record<Version, number>>>): Counts {
    const versions = Object.entries(shares) as [Version, number][];
    return Object.fromEntries(
      versions.map(([version, share]) => [socketText(this.#pod(service, version).address4, service.targetPort), share]),
    );
  }

  #pod(service: DemoService, version: Version): Pod {
    const pod = this.#node.pods.get(podName(service, version));
    if (pod === undefined) throw new RangeError(`there is no pod ${podName(service, version)}`);
    return pod;
  }
}

/** How login finds register: the variables that Kubernetes sets in pods, and one for the second address family. */
const REGISTER_ENVIRONMENT = {
  REGISTER_SERVICE_HOST: REGISTER.address4,
  REGISTER_SERVICE_HOST_IPV6: REGISTER.address6,
  REGISTER_SERVICE_PORT: String(REGISTER.port),
} as const;
