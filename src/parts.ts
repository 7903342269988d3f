import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from './agent/config.ts';
import type { Parts, RunParts } from './cli/parts.ts';
import { ShuntError } from './errors.ts';
import type { Source } from './sources/source.ts';
import { stopRequested } from './stop.ts';

/** Imported where used, and from `main.ts` alone: a verb starts without what it does not need. */
const run: RunParts = {
  readFile: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new ShuntError('SHUNT_E_READ', { path, reason: (error as Error).message }, { cause: error });
    }
  },
  hostname,
  openLog: async ({ logLevel, logFormat }) => {
    const { createAgentLog } = await import('./observe/log.ts');
    const terminal = process.stdout.isTTY;
    return createAgentLog({ level: logLevel, format: logFormat, terminal, colour: terminal && !process.env.NO_COLOR });
  },
  openAgent: async (config, version, observer) => {
    const [{ createAgent }, { systemClock }, { openKernel }, source] = await Promise.all([
      import('./agent/agent.ts'),
      import('./agent/clock.ts'),
      import('./dataplane/kernel/kernel.ts'),
      openSource(config, version),
    ]);
    const { cgroup, bpfRoot, connections, netns, nodeName, serviceProxyName, externalIPs, sameNode } = config;
    return createAgent({
      version,
      node: { name: nodeName, proxyName: serviceProxyName, externalIPs },
      source,
      dataplane: await openKernel({
        cgroup,
        bpfRoot,
        connections,
        netns,
        capacity: FIRST_CAPACITY,
        clientSalt: saltOf(nodeName),
      }),
      clock: systemClock,
      observer,
      clients: { cgroup, level: await levelOf(cgroup) },
      sameNode,
      resyncMs: RESYNC_MS,
    });
  },
  openMetrics: async (view, { istioMetrics }) =>
    (await import('./observe/metrics.ts')).createMetrics(view, Date.now, { istioMetrics }),
  listenAdmin: async (path, served) => {
    const [{ buildAdmin }, { listenUnix }] = await Promise.all([import('./http/admin.ts'), import('./http/listen.ts')]);
    return listenUnix(path, buildAdmin(served));
  },
  listenPublic: async (host, port, served) => {
    const [{ buildPublic }, { listenTcp }] = await Promise.all([
      import('./http/public.ts'),
      import('./http/listen.ts'),
    ]);
    return listenTcp(host, port, buildPublic(served));
  },
  listenPage: async (at, served) => {
    const [{ openPage }, { systemClock }] = await Promise.all([
      import('./http/open-page.ts'),
      import('./agent/clock.ts'),
    ]);
    return openPage(at, { ...served, clock: systemClock });
  },
  keepMemoryLow: async () => {
    const { collectInSteps, keepMemoryLow } = await import('./native/release.ts');
    collectInSteps();
    return keepMemoryLow();
  },
  releaseMemory: async () => (await import('./native/release.ts')).releaseMemory(),
  stopRequested,
};

/** Only the code of the source that is used, and of the way to it: each takes its megabytes. */
const openSource = async ({ source, nodeName }: Config, version: string): Promise<Source> => {
  if (source.kind === 'file') return (await import('./sources/file.ts')).fileSource({ path: source.path });
  const { kubeconfig, context } = source;
  const [{ createKubernetesSource }, { inCluster, ownNamespace }] = await Promise.all([
    import('./sources/kubernetes.ts'),
    import('./sources/kubernetes/access.ts'),
  ]);
  const access =
    kubeconfig === undefined
      ? inCluster(process.env)
      : await (await import('./sources/kubernetes/kubeconfig.ts')).kubeconfig(kubeconfig, context);
  const leaseNamespace = ownNamespace(process.env);
  return createKubernetesSource({ access, nodeName, leaseNamespace, userAgent: `shunt/${version}` });
};

/** The same over restarts of the agent, and hardly ever that of another node. */
const saltOf = (nodeName: string): number => createHash('sha256').update(nodeName).digest().readUInt32LE();

/** Seen from the directories, or told by the kernel where their root is that of a container. */
const levelOf = async (cgroup: string): Promise<number | undefined> => {
  const { cgroupLevel } = await import('./agent/pod-cgroups.ts');
  const seen = cgroupLevel(cgroup);
  return seen ?? (await import('./dataplane/kernel/cgroup-level.ts')).kernelCgroupLevel(cgroup);
};

/** Tables grow; this is a small cluster, in a megabyte. */
const FIRST_CAPACITY = { frontends: 1024, slots: 16_384, backends: 8192, services: 1024 } as const;
const RESYNC_MS = 300_000;

/** The real parts of Shunt. */
export const parts: Parts = {
  readObjects: async (path) => (await import('./sources/file.ts')).readOnce(path),
  host: async () => {
    const { machine } = await import('./cli/doctor/machine.ts');
    return {
      ...machine(),
      features: async () => (await import('./dataplane/kernel/probe.ts')).probeFeatures(),
      selfTest: async (cgroup) => (await import('./dataplane/kernel/same-node/self-test.ts')).runSelfTest(cgroup),
      cgroupLevel: levelOf,
      attached: async (cgroup) => (await import('./dataplane/kernel/attached.ts')).attachedPrograms(cgroup),
    };
  },
  unload: async (bpfRoot, force) => (await import('./dataplane/kernel/unload.ts')).unload(bpfRoot, force),
  loadedRoots: async () => (await import('./dataplane/kernel/pins.ts')).loadedRoots('/sys/fs/bpf'),
  demo: async (options) => (await import('./demo/story.ts')).runDemo(options),
  terminals: async () => (await import('./cli/top/process-terminal.ts')).processTerminals,
  run,
};
