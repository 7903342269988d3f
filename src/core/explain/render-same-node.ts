import type { ExplainedPair } from './decision.ts';
import { socketText } from './text.ts';

/** A line for each endpoint on the client's node. */
export const pairLines = (pairs: readonly ExplainedPair[] = []): readonly string[] =>
  pairs.map((pair) => {
    const way = pair.redirected ? 'socket to socket, once both read as event loops do' : 'by TCP';
    return `On this node ${socketText(pair)} (Pod ${pair.pod}) is reached ${way}: ${reasonText(pair)}.`;
  });

const reasonText = (pair: ExplainedPair): string => {
  switch (pair.reason) {
    case 'policy':
      return `${pair.policy} says so for Service ${pair.service}`;
    case 'labels':
      return 'both Pods are labelled shunt.dev/same-node=redirect';
    case 'plain':
      return `Pod ${pair.labelled} is labelled shunt.dev/same-node=plain`;
    case 'one label':
      return `only Pod ${pair.labelled} is labelled shunt.dev/same-node=redirect, and no policy asks for it`;
    case 'nobody asks':
      return 'neither a policy nor a label asks for more';
    case 'off':
      return 'the agent runs with --same-node off';
    case 'unavailable':
      return 'it cannot go socket to socket here, as `shunt doctor` says';
  }
};
