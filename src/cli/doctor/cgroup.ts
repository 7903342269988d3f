import { type CgroupRoot, findCgroupRoot, ROOT_INODE } from '../../agent/cgroup-root.ts';
import { type Check, fail, ok, warn } from './check.ts';
import type { Target } from './host.ts';

/** The cgroup that programs would be attached to; undefined when there is none. */
export const targetCgroup = (target: Target): string | undefined =>
  target.cgroup === '' ? rootOf(target)?.path : target.cgroup;

const rootOf = ({ host }: Target): CgroupRoot | undefined =>
  findCgroupRoot(host.read('/proc/self/mountinfo') ?? '', host.inode);

export const cgroup = (target: Target): Check => {
  const path = targetCgroup(target);
  if (target.cgroup === '' && rootOf(target)?.isMachines === false) {
    const advice = "Run in the machine's cgroup namespace, or mount its cgroup v2 here and give that path by --cgroup.";
    return fail('cgroup', `${path} is the root of a cgroup namespace only`, advice);
  }
  if (path === undefined) {
    const advice = 'Run `mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified`.';
    return fail('cgroup', 'no cgroup v2 is mounted', advice);
  }
  if (!target.host.exists(path)) {
    const advice = `Run \`mkdir ${path}\`, if that lies below a cgroup v2 mount, or give another one by --cgroup.`;
    return fail('cgroup', `${path} does not exist`, advice);
  }
  // Only directories of cgroup v2 have this file (cgroups(7)); the root has it as well.
  if (target.host.exists(`${path}/cgroup.controllers`)) return ok('cgroup', `cgroup v2 at ${path}`);
  return fail('cgroup', `${path} is no directory of cgroup v2`, 'Give another one by --cgroup.');
};

/** PROC_CGROUP_INIT_INO, include/linux/proc_ns.h: the namespace of everything since boot. */
const FIRST_NAMESPACE = 'cgroup:[4026531835]';

export const cgroupNamespace = (target: Target): Check => {
  const { host } = target;
  const namespace = host.link('/proc/self/ns/cgroup');
  if (namespace === undefined || namespace === FIRST_NAMESPACE) return ok('cgroup namespace', 'that of the machine');
  if (target.cgroup !== '' && host.inode(target.cgroup) === ROOT_INODE) {
    return ok('cgroup namespace', `one of its own, but ${target.cgroup} is the root of the machine's cgroups`);
  }
  return warn(
    'cgroup namespace',
    'one of its own: the cgroup root seen here may be that of a container only',
    "Mount the machine's cgroup v2 root into the container and give it by --cgroup.",
  );
};
