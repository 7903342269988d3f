import { ShuntError } from '../../errors.ts';
import { closeFd } from '../../native/descriptor.ts';
import type { SocketEnding } from '../dataplane.ts';
import { openEndings } from './endings.ts';
import { loadProgram } from './first-response.ts';
import { type Features, type Loaded, load } from './load.ts';

/**
 * What this kernel makes of the programs: loads them with the smallest tables, attaches nothing, keeps nothing. Sockets
 * are ended in trial, one of our own.
 *
 * @throws ShuntError SHUNT_E_LOAD with the verifier's words when it takes no variant of them.
 */
export const probeFeatures = (): Features & {
  readonly socketEnding: SocketEnding;
  readonly firstResponse: boolean;
} => {
  const loaded = load({
    reuse: {},
    capacity: { frontends: 1, slots: 1, backends: 1, services: 1 },
    connections: 4,
  });
  try {
    const endings = openEndings(loaded.maps.connections_overflow);
    endings.close();
    return { ...loaded.features, socketEnding: endings.by, firstResponse: canMeasure(loaded) };
  } finally {
    loaded.close();
  }
};

const canMeasure = (loaded: Loaded): boolean => {
  try {
    closeFd(loadProgram(loaded));
    return true;
  } catch (error) {
    if (!(error instanceof ShuntError)) throw error;
    return false;
  }
};
