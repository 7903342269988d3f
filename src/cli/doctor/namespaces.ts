import { type Check, ok, warn } from './check.ts';
import type { Target } from './host.ts';

/** Sockets are ended from within their network namespace. */
export const namespaces = ({ host, netns }: Target): Check =>
  host.exists(netns)
    ? ok('namespaces', `those of pods are looked for in ${netns}`)
    : warn(
        'namespaces',
        `${netns} does not exist: connected UDP sockets are woken in the network namespace of the agent only`,
        'Give the directory in which the container runtime keeps network namespaces by --netns.',
      );
