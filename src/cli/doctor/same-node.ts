import { ShuntError } from '../../errors.ts';
import { targetCgroup } from './cgroup.ts';
import { type Check, ok, warn } from './check.ts';
import type { Target } from './host.ts';

const NAME = 'same node';
const BY_TCP = 'Nothing need be done: all connections go by TCP, whatever policies and labels ask for.';

/** Whether Pods of this node can be joined socket to socket: found by doing so, with connections of its own. */
export const sameNode = async (target: Target): Promise<Check> => {
  const { host } = target;
  const cgroup = targetCgroup(target);
  if (cgroup === undefined || !host.exists(cgroup)) {
    return ok(NAME, cgroup === undefined ? 'not tried: there is no cgroup v2' : 'not tried: there is no such cgroup');
  }
  try {
    const checks = await host.selfTest(cgroup);
    const failed = checks.filter(({ failure }) => failure !== undefined);
    if (failed.length === 0) return ok(NAME, `connections may go socket to socket: ${checks.length} tests passed`);
    const which = failed.map(({ name, failure }) => `${name}: ${failure}`).join('; ');
    return warn(NAME, `joined sockets are not as TCP here, says ${which}`, BY_TCP);
  } catch (error) {
    if (!(error instanceof ShuntError)) throw error;
    return warn(NAME, error.message, error.help);
  }
};
