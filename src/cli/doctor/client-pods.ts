import { targetCgroup } from './cgroup.ts';
import { type Check, ok, warn } from './check.ts';
import type { Host, Target } from './host.ts';

const NAME = 'client pods';

/**
 * Whether the Pod of a client can be known at `connect()`: by its cgroup, in the tree of version 2. Every kernel that takes
 * the programs can tell (bpf_get_current_ancestor_cgroup_id at these hooks: Linux 5.7); what differs is where Pods are.
 */
export const clientPods = async (target: Target): Promise<Check> => {
  const { host } = target;
  const cgroup = targetCgroup(target);
  if (cgroup === undefined || !host.exists(cgroup)) {
    return ok(NAME, cgroup === undefined ? 'none: there is no cgroup v2' : 'none: there is no such cgroup');
  }
  const { roots, cut } = host.podsTree(cgroup);
  if (roots.length === 0)
    return isOnKubernetes(host) ? missing(host, cgroup, cut) : ok(NAME, 'no kubelet is seen here');
  if ((await host.cgroupLevel(cgroup)) !== undefined) {
    return ok(NAME, `told apart by their cgroups in ${roots.map(({ path }) => path).join(' and ')}`);
  }
  return warn(
    NAME,
    `nobody says how deep ${cgroup} lies below the root of cgroup v2: ${CONSEQUENCE}`,
    'Run below that cgroup, as a Pod of the node does, or mount the whole of cgroup v2 and give that by --cgroup.',
  );
};

const CONSEQUENCE = 'routes and policies for some clients alone bind nobody here';

const missing = (host: Host, cgroup: string, cut: boolean): Check => {
  const detail = `${cut ? 'no Pods are found' : 'there are no Pods'} below ${cgroup}: ${CONSEQUENCE}`;
  const advice = hasVersion1(host)
    ? 'Pods lie in cgroup v1 here: boot with `systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all`, and set the kubelet to it.'
    : 'Give the root of cgroup v2, or what the kubelet has as its --cgroup-root, by --cgroup.';
  return warn(NAME, detail, advice);
};

/** Hybrid: controllers, and with them the kubelet, use version 1. */
const hasVersion1 = (host: Host): boolean => / - cgroup /.test(host.read('/proc/self/mountinfo') ?? '');

/** Where a container sees no processes of the machine, it is a Pod that asks. */
const isOnKubernetes = (host: Host): boolean =>
  host.exists('/var/run/secrets/kubernetes.io/serviceaccount') || host.processes().some((name) => KUBELETS.test(name));

/** The kubelet, and those who have it within: MicroK8s, k3s. */
const KUBELETS = /^(kubelet|kubelite|k3s)/;
