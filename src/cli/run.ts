import type { Agent, AgentObserver } from '../agent/agent.ts';
import { findCgroupRoot } from '../agent/cgroup-root.ts';
import { type Config, configPath, readConfig } from '../agent/config.ts';
import { OPTIONS, type OptionName } from '../agent/options.ts';
import type { ChangeSummary } from '../agent/view.ts';
import { agentFlag } from './agent-flags.ts';
import type { Arguments, Command, Flag } from './command.ts';
import type { Context } from './context.ts';
import { readVersion } from './package.ts';
import type { Log, Metrics, RunParts, Served } from './parts.ts';

const NAMES = Object.keys(OPTIONS) as OptionName[];
const FLAGS = Object.fromEntries(NAMES.map((name): [string, Flag] => [name, agentFlag(name)]));

export const command: Command = {
  usage: 'run [--source kubernetes|file:PATH] [FLAGS]',
  about:
    'Runs the agent: keeps the kernel of this node programmed with what the cluster objects ask for, until it is told\n' +
    'to stop (SIGTERM, SIGINT). The kernel goes on routing then; `shunt unload` ends that.\n' +
    'A flag goes before its variable, that before the file, that before the default.',
  flags: FLAGS,
  examples: [
    { command: 'shunt run', about: 'in a Pod: what its API server has' },
    { command: 'shunt run --kubeconfig ~/.kube/config --node-name worker-1', about: 'the same from outside' },
    { command: 'shunt run --source file:/etc/shunt/objects', about: 'a directory of objects, watched' },
    { command: 'SHUNT_SOURCE=file:cluster.yaml SHUNT_LISTEN=off shunt run', about: 'the same settings as variables' },
    { command: 'shunt run --config /etc/shunt/config.yaml', about: 'settings from a file' },
  ],
  run: async (context, given) => {
    const stopped = context.parts.run.stopRequested();
    const config = await configure(context, given);
    const log = await context.parts.run.openLog(config);
    await runAgent(context, config, log, stopped);
    return 0;
  },
};

const configure = async ({ env, parts }: Context, { given }: Arguments): Promise<Config> => {
  const path = configPath({ flags: given, env });
  const file = path === undefined ? undefined : { path, text: parts.run.readFile(path) };
  const host = await parts.host();
  const cgroupRoot = findCgroupRoot(host.read('/proc/self/mountinfo') ?? '', host.inode);
  return readConfig({ flags: given, env, file, machine: { hostname: parts.run.hostname(), cgroupRoot } });
};

/**
 * The admin socket comes first: it keeps a second agent from the tables of the first. Then whoever watches over the
 * agent can ask, and only then is the kernel touched. Everything ends in reverse.
 */
const runAgent = async ({ parts }: Context, config: Config, log: Log, stopped: Promise<string>): Promise<void> => {
  const { listenAdmin, listenPublic, listenPage, openAgent, openMetrics, releaseMemory, keepMemoryLow } = parts.run;
  let agent: Agent | undefined;
  let metrics: Metrics | undefined;
  const served: Served = {
    view: () => agent,
    scrape: () => metrics?.scrape(),
    onBug: (error, path) => log.error({ err: error, path }, 'a request met a bug'),
  };
  await using ending = new AsyncDisposableStack();

  const admin = await listenAdmin(config.socket, served);
  ending.defer(() => admin.close());
  if (config.listen !== undefined) {
    const listener = await listenPublic(config.listen.host, config.listen.port, served);
    ending.defer(() => listener.close());
    log.info({ address: listener.address }, 'serving metrics');
  }
  const version = readVersion();
  if (config.ui !== undefined) {
    const page = await listenPage(config.ui, { ...served, node: config.nodeName, version, onFailure: ofHistory(log) });
    ending.defer(() => page.close());
    log.info({ address: page.address }, 'serving the live page');
    if ('host' in config.ui && !isLoopback(config.ui.host)) log.warn({ address: page.address }, PAGE_OPEN);
  }

  const memory = lowMemory(keepMemoryLow);
  const opened = await openAgent(
    config,
    version,
    observe(log, () => metrics, { releaseMemory, onReady: memory.keepLow }),
  );
  ending.defer(memory.end);
  ending.defer(() => opened.stop());
  metrics = await openMetrics(opened, config);
  agent = opened;
  const { cgroup, nodeName: node, socket } = config;
  if (!(await parts.host()).exists(config.netns)) log.warn({ netns: config.netns }, NO_NAMESPACES);
  log.info({ version, node, source: sourceText(config), cgroup, socket }, 'starting');
  // Of all that it took to come here little is needed again.
  await releaseMemory();
  await opened.start();
  log.info({ signal: await stopped }, 'stopping; the kernel goes on routing');
};

/** First what the start left behind goes back, then it is seen to that it stays so, unless the end has come by then. */
const lowMemory = (keepMemoryLow: RunParts['keepMemoryLow']) => {
  let letGrow: (() => void) | undefined;
  let hasEnded = false;
  const keep = async (): Promise<void> => {
    letGrow = await keepMemoryLow();
    if (hasEnded) letGrow();
  };
  return {
    keepLow: () => void setImmediate(() => hasEnded || void keep()),
    end: () => {
      hasEnded = true;
      letGrow?.();
    },
  };
};

const sourceText = ({ source }: Config): string => {
  if (source.kind === 'file') return `file:${source.path}`;
  return source.kubeconfig === undefined ? 'kubernetes' : `kubernetes, as ${source.kubeconfig} says`;
};

/** A change of so many ports leaves much behind. */
const LARGE_CHANGE_PORTS = 1000;

const observe = (
  log: Log,
  metrics: () => Metrics | undefined,
  { releaseMemory, onReady }: Pick<RunParts, 'releaseMemory'> & { readonly onReady: () => void },
): AgentObserver => {
  const onChange = (change: ChangeSummary): void => {
    log.change(change);
    metrics()?.recordChange(change);
    if (change.ports >= LARGE_CHANGE_PORTS) setImmediate(releaseMemory);
  };
  return {
    // Reading left much behind, and programming everything takes as much again.
    onSynced: () => void releaseMemory(),
    onChange,
    onReady: (change, whole) => {
      onChange(change);
      onReady();
      if (whole) log.info({}, 'ready: everything that existed at the start is in force');
      else log.warn({}, READY_IN_PART);
    },
    onProgrammed: (durationsMs) => metrics()?.recordProgrammed(durationsMs),
    onComplaints: (complaints) => log.complaints(complaints),
    onSourceTrouble: (error) => {
      if (error === undefined) log.info({}, 'the source is well again');
      else log.warn({ err: error }, 'the source is in trouble; what was read stays in force');
    },
    onFailure: (error, retryInMs) => {
      log.error({ err: error, retryInMs }, 'a change was not applied; trying again');
      metrics()?.recordFailure();
    },
    onSocketsKept: () => log.warn({}, 'this kernel cannot wake connected UDP sockets whose endpoint is gone'),
    onSocketsEnded: (sockets) => {
      log.info({ sockets }, 'woke connected UDP sockets whose endpoint is gone');
      metrics()?.recordSocketsEnded(sockets);
    },
    onLostEnded: (connections) => {
      log.info({ connections }, 'counted connections as ended whose sockets are gone');
      metrics()?.recordLostEnded(connections);
    },
    onLostFailure: (error, retryInMs) =>
      log.warn({ err: error, retryInMs }, 'could not tell which connections are lost; trying again'),
    onWorkloadsFailure: (error, retryInMs) =>
      log.warn({ err: error, retryInMs }, 'who asked for what could not be told; trying again'),
    onLiveFailure: (error, retryInMs) =>
      log.warn({ err: error, retryInMs }, 'what long connections carry was not counted; trying again'),
    onSocketsFailure: (error, retryInMs) => {
      log.warn({ err: error, retryInMs }, 'connected UDP sockets whose endpoint is gone were not woken; trying again');
      metrics()?.recordSocketsFailure();
    },
  };
};

const ofHistory =
  (log: Log) =>
  (error: unknown, retryInMs: number): void =>
    log.warn({ err: error, retryInMs }, 'the history of the live page was not kept up; trying again');

/** Nobody else reaches it: RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3. */
const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);

const PAGE_OPEN =
  'the live page is served where other machines may reach it: it changes nothing, but shows all and asks nobody who they are';

const NO_NAMESPACES =
  'the directory of network namespaces does not exist: connected UDP sockets of pods keep an endpoint that is gone';

const READY_IN_PART =
  'ready: what could be read is in force; a part of the source never could be, so nothing is removed that nobody names';
