import { BACKEND_STATS } from '../../src/abi/layout.gen.ts';
import type { ChoiceRule } from '../../src/core/model/desired.ts';
import type { Capacity, FrontendWrite, Transaction } from '../../src/core/plan/transaction.ts';
import { type KernelDataplane, type KernelOptions, openKernel } from '../../src/dataplane/kernel/kernel.ts';
import { listSets } from '../../src/dataplane/kernel/pins.ts';
import { NAMESPACES } from '../../src/demo/namespace.ts';
import type { EmbeddedNode } from '../../src/demo/node.ts';
import { BpfMap } from '../../src/native/map.ts';
import { type RangeOf, rangeWords } from './ranges.ts';

/** The programs in force on a test node, and tables that the test itself fills: without an agent and its plans. */

const CAPACITY: Capacity = { frontends: 64, slots: 256, backends: 64, services: 64 };

export const openHandMade = async (
  node: EmbeddedNode,
  options: Partial<Pick<KernelOptions, 'clientSalt' | 'netns'>> = {},
): Promise<KernelDataplane> => {
  const kernel = await openKernel({
    cgroup: node.cgroup,
    bpfRoot: node.bpfRoot,
    connections: 4096,
    capacity: CAPACITY,
    netns: NAMESPACES,
    ...options,
  });
  await kernel.activate();
  return kernel;
};

export interface HandMade {
  readonly services?: readonly {
    readonly index: number;
    readonly choice?: ChoiceRule;
    readonly affinityTimeoutS?: number;
  }[];
  readonly backends?: readonly {
    readonly index: number;
    readonly address: string;
    readonly port?: number;
    readonly protocol?: 'TCP' | 'UDP';
    readonly weight?: number;
    readonly service?: number;
  }[];
  readonly ranges?: readonly (RangeOf & { readonly base: number })[];
  readonly frontends?: readonly (Pick<FrontendWrite, 'address' | 'slotBase' | 'slotCount'> & Partial<FrontendWrite>)[];
}

/** Everything that is not said: TCP from port 80 to port 8080, of Service 0, for everybody. */
export const write = (kernel: KernelDataplane, made: HandMade): void => {
  const { services = [], backends = [], ranges = [], frontends = [] } = made;
  kernel.apply({
    ...NOTHING,
    services: services.map((each) => ({ identity: [each.index, 1], generation: 1, affinityTimeoutS: 0, ...each })),
    backends: backends.map((each) => ({ port: 8080, protocol: 'TCP', generation: 1, weight: 1, service: 0, ...each })),
    slots: ranges.map((range) => ({ base: range.base, words: rangeWords(range) })),
    frontends: frontends.map((each) => ({ port: 80, protocol: 'TCP', service: 0, scope: 'cluster', ...each })),
  });
};

const NOTHING: Transaction = {
  backends: [],
  weights: [],
  services: [],
  slots: [],
  frontends: [],
  frontendDeletes: [],
  retiredBackends: [],
  retiredServices: [],
};

/** How long a backend is known to take, in microseconds as it was measured last. */
export const ewmaOf = (node: EmbeddedNode, backend: number): number => {
  const [set] = listSets(node.bpfRoot);
  using stats = BpfMap.openPinned(`${set?.path}/backend_stats`);
  const value = stats.lookup(new Uint8Array(Uint32Array.of(backend).buffer));
  if (value === undefined) throw new Error(`there is no backend ${backend}`);
  return new DataView(value.buffer, value.byteOffset).getUint32(BACKEND_STATS.ewma, true) / 64;
};
