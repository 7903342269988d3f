import { ShuntError } from '../../errors.ts';
import { targetCgroup } from './cgroup.ts';
import { type Check, ok, warn } from './check.ts';
import type { AttachedProgram, Target } from './host.ts';

/** kube-proxy acts on packets, after `connect()`: it sees what Shunt left alone and nothing else. */
export const kubeProxy = ({ host }: Target): Check =>
  host.processes().includes('kube-proxy')
    ? ok('kube-proxy', 'runs, which is fine: it takes what Shunt leaves alone')
    : ok('kube-proxy', 'not seen');

/** Names of Cilium's socket load balancer, which rewrites the same addresses at the same hooks. */
const CILIUM = /^cil_sock\d?_/;

export const attachedPrograms = async (target: Target): Promise<Check> => {
  const cgroup = targetCgroup(target);
  if (cgroup === undefined || !target.host.exists(cgroup)) {
    return ok('other programs', cgroup === undefined ? 'none: there is no cgroup v2' : 'none: there is no such cgroup');
  }
  try {
    return judge(await target.host.attached(cgroup));
  } catch (error) {
    if (!(error instanceof ShuntError)) throw error;
    return warn('other programs', `could not be listed: ${error.message}`, error.help);
  }
};

const judge = (attached: readonly AttachedProgram[]): Check => {
  const twice = attached.filter(({ own, hook, id }) => own && attached.some((each) => isTwin(each, hook, id)));
  if (twice.length > 0) {
    return warn(
      'other programs',
      `${listText(twice)}: those of two agents, of which one sees what the other has chosen`,
      'Stop one of them, and take its programs out by `shunt unload` with its --bpf-root.',
    );
  }
  const foreign = attached.filter(({ own }) => !own);
  if (foreign.length === 0) return ok('other programs', 'none at the hooks of Shunt');
  const list = listText(foreign);
  if (!foreign.some(({ name }) => CILIUM.test(name))) return ok('other programs', `${list}; they go on as before`);
  return warn(
    'other programs',
    `${list}: Cilium answers the same Services, whoever runs first wins`,
    'Give Shunt Services of its own by --service-proxy-name, or turn off socketLB in Cilium.',
  );
};

const isTwin = (program: AttachedProgram, hook: string, id: number): boolean =>
  program.own && program.hook === hook && program.id !== id;

const listText = (programs: readonly AttachedProgram[]): string =>
  programs.map(({ hook, id, name }) => `${hook}: ${name || 'nameless'} (id ${id})`).join(', ');
