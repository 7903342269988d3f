import type { Command } from './command.ts';

export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Words that are nouns change nothing; words that are verbs may. */
  readonly changes: boolean;
  /** A verb is imported when it is called: the others cost nothing. */
  readonly load: () => Promise<{ readonly command: Command }>;
}

export const VERBS: readonly Verb[] = [
  { name: 'run', summary: 'run the agent on this node', changes: true, load: () => import('./run.ts') },
  { name: 'demo', summary: 'show it all on a small node of its own', changes: true, load: () => import('./demo.ts') },
  {
    name: 'unload',
    summary: 'remove every program and table from the kernel',
    changes: true,
    load: () => import('./unload.ts'),
  },
  {
    name: 'plan',
    summary: 'what would be programmed from these objects',
    changes: false,
    load: () => import('./plan.ts'),
  },
  { name: 'status', summary: 'the agent and its tables', changes: false, load: () => import('./status.ts') },
  { name: 'top', summary: 'Services live: rates, failures, latency', changes: false, load: () => import('./top.ts') },
  { name: 'services', summary: 'Services with their connections', changes: false, load: () => import('./services.ts') },
  {
    name: 'backends',
    summary: 'endpoints with their shares and connections',
    changes: false,
    load: () => import('./backends.ts'),
  },
  {
    name: 'events',
    summary: 'connections and refusals as they happen',
    changes: false,
    load: () => import('./events.ts'),
  },
  { name: 'explain', summary: 'where a connection goes, and why', changes: false, load: () => import('./explain.ts') },
  {
    name: 'doctor',
    summary: 'whether this node can run Shunt, and what to do',
    changes: false,
    load: () => import('./doctor.ts'),
  },
  { name: 'version', summary: 'the version', changes: false, load: () => import('./version.ts') },
];
