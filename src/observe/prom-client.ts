import { createRequire } from 'node:module';

type PromClient = typeof import('prom-client');
type Collect = (registry: InstanceType<PromClient['Registry']>, config: object) => void;

/**
 * The parts of prom-client that are used. Importing it whole takes 16 MB, for its aggregation over a cluster of
 * processes, its push gateway and all default metrics.
 */
const part = createRequire(import.meta.url);

export const Registry: PromClient['Registry'] = part('prom-client/lib/registry.js');
export const Counter: PromClient['Counter'] = part('prom-client/lib/counter.js');
export const Histogram: PromClient['Histogram'] = part('prom-client/lib/histogram.js');

/** `process_*` and `nodejs_*` of the process itself. */
export const collectOwnProcess = (registry: InstanceType<PromClient['Registry']>): void => {
  for (const name of PROCESS_METRICS) {
    const collect: Collect = part(`prom-client/lib/metrics/${name}.js`);
    collect(registry, {});
  }
};

const PROCESS_METRICS = [
  'processCpuTotal',
  'processStartTime',
  'osMemoryHeap',
  'processOpenFileDescriptors',
  'processMaxFileDescriptors',
  'heapSizeAndUsed',
  'eventLoopLag',
  'version',
] as const;
