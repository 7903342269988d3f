import type { Complaint } from '../core/model/objects.ts';
import { AgentComplaints } from './agent-complaints.ts';
import type { AgentOptions } from './agent-options.ts';
import { ClientCgroups } from './client-cgroups.ts';
import { DatagramSweep, type DatagramSweepOptions } from './datagram-sweep.ts';
import { EventFeed } from './event-feed.ts';
import { CurrentNames } from './event-names.ts';
import { createLiveSweep } from './live-sweep.ts';
import { createLostSweep } from './lost-sweep.ts';
import { PodNames } from './pod-names.ts';
import type { Reconciler } from './reconciler.ts';
import { SameNodeFollower } from './same-node.ts';
import { StatusFeed } from './status-feed.ts';
import type { Sweep } from './sweep.ts';
import { portOfRecord } from './tables.ts';
import { Workloads } from './workloads.ts';

/** What an agent has beside the tables. */
export interface AgentParts {
  readonly clients: ClientCgroups | undefined;
  readonly events: EventFeed;
  readonly workloads: Workloads | undefined;
  readonly statuses: StatusFeed;
  readonly sameNode: SameNodeFollower;
  readonly datagrams: DatagramSweep;
  readonly complaints: AgentComplaints;
  /** Begins when everything is in force. */
  readonly background: readonly Pick<Sweep, 'start' | 'stop'>[];
}

export interface AgentPartsHooks {
  /** The reconciler has something to do. */
  readonly onWork: () => void;
  readonly goneOf: DatagramSweepOptions['goneOf'];
}

export const createParts = (options: AgentOptions, reconciler: Reconciler, hooks: AgentPartsHooks): AgentParts => {
  const { source, observer } = options;
  const complaints = new AgentComplaints({
    source,
    ofObjects: reconciler,
    ofNode: () => [...(clients?.complaints() ?? []), ...sameNode.complaints(), ...unmeasured(options.dataplane)],
    onComplaints: (fresh) => observer.onComplaints(fresh),
  });
  const onTrouble = (): void => complaints.tell();
  const clients = createClients(options, reconciler, { onWork: hooks.onWork, onTrouble });
  const sameNode = createSameNode(options, reconciler, onTrouble);
  const workloads = createWorkloads(options, reconciler);
  const lost = createLostSweep({
    ...options,
    onEnded: (count) => observer.onLostEnded(count),
    onFailure: (error, retryInMs) => observer.onLostFailure(error, retryInMs),
  });
  const live = createLiveSweep({
    ...options,
    onFailure: (error, retryInMs) => observer.onLiveFailure(error, retryInMs),
  });
  return {
    clients,
    events: createEvents(options, reconciler),
    workloads,
    statuses: new StatusFeed({ ...options, cluster: reconciler.cluster }),
    sameNode,
    complaints,
    datagrams: new DatagramSweep({
      ...options,
      goneOf: hooks.goneOf,
      onEnded: (count) => observer.onSocketsEnded(count),
      onFailure: (error, retryInMs) => observer.onSocketsFailure(error, retryInMs),
    }),
    background: [lost, live, workloads].filter((each) => each !== undefined),
  };
};

const unmeasured = ({ firstResponse }: AgentOptions['dataplane']): readonly Complaint[] =>
  firstResponse?.unavailable === undefined
    ? []
    : [{ severity: 'warning', object: 'first response times', path: '', message: firstResponse.unavailable }];

const createClients = (
  { clients, node, clock }: AgentOptions,
  reconciler: Reconciler,
  { onWork, onTrouble }: { readonly onWork: () => void; readonly onTrouble: () => void },
): ClientCgroups | undefined => {
  if (clients === undefined) return undefined;
  return new ClientCgroups({
    ...clients,
    node: node.name,
    clock,
    cluster: reconciler.cluster,
    emit: (events) => {
      reconciler.note(events);
      onWork();
    },
    onTrouble,
  });
};

const createEvents = ({ clients, node, clock, dataplane }: AgentOptions, reconciler: Reconciler): EventFeed => {
  const { cluster } = reconciler;
  const pods = clients && new PodNames({ cgroup: clients.cgroup, node: node.name, clock, cluster });
  return new EventFeed({
    events: dataplane.events,
    clock,
    names: new CurrentNames(() => reconciler.have, pods),
  });
};

const createWorkloads = (options: AgentOptions, reconciler: Reconciler): Workloads | undefined => {
  const { clients, dataplane, node, clock, observer } = options;
  if (clients === undefined || dataplane.callers === undefined) return undefined;
  return new Workloads({
    callers: dataplane.callers,
    cgroup: clients.cgroup,
    node: node.name,
    cluster: reconciler.cluster,
    clock,
    portOf: () => portOfRecord(reconciler, dataplane),
    onFailure: (error, retryInMs) => observer.onWorkloadsFailure(error, retryInMs),
  });
};

const createSameNode = (
  { dataplane, node, clock, sameNode: isOn = true }: AgentOptions,
  { cluster }: Reconciler,
  onTrouble: () => void,
): SameNodeFollower =>
  new SameNodeFollower({
    sameNode: dataplane.sameNode,
    cluster,
    node,
    clock,
    isOn,
    onTrouble,
  });
