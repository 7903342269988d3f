import { type Features, load } from './load.ts';

/**
 * What this kernel makes of the programs: loads them with the smallest tables, attaches nothing, keeps nothing.
 *
 * @throws ShuntError SHUNT_E_LOAD with the verifier's words when it takes no variant of them.
 */
export const probeFeatures = (): Features => {
  const loaded = load({
    reuse: {},
    capacity: { frontends: 1, slots: 1, backends: 1, services: 1 },
    connections: 4,
  });
  loaded.close();
  return loaded.features;
};
