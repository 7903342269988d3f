import { cgroupLevel } from '../../src/agent/pod-cgroups.ts';
import { kernelCgroupLevel } from '../../src/dataplane/kernel/cgroup-level.ts';

/** A process of its own, because a cgroup namespace is one's for life. Prints both ways to know the level of each path. */
const levels = process.argv.slice(2).map(async (path) => ({
  seen: cgroupLevel(path) ?? null,
  told: (await kernelCgroupLevel(path)) ?? null,
}));
process.stdout.write(JSON.stringify(await Promise.all(levels)));
