import { type Cluster, inputFor } from '../core/cluster.ts';
import { aliveEndpoints, aliveKey } from '../core/desire/alive.ts';
import type { DesiredArm, DesiredPort } from '../core/model/desired.ts';
import type { Have } from '../core/plan/have.ts';
import type { StaleSocket } from '../dataplane/dataplane.ts';

/** Ids of arms by `DesiredPort.id`: those that a UDP port has had so far. Whoever a share was sent to goes on with it. */
export type ArmsSoFar = Map<DesiredPort['id'], Set<DesiredArm['id']>>;

export const noteArms = (arms: ArmsSoFar, { id, protocol, groups }: DesiredPort): void => {
  if (protocol !== 'UDP') return;
  for (const arm of groups.flatMap((group) => group.arms ?? [])) {
    const soFar = arms.get(id);
    if (soFar === undefined) arms.set(id, new Set([arm.id]));
    else soFar.add(arm.id);
  }
};

/**
 * Those of the sockets whose backend is gone for good: its Service port is no longer programmed, or no EndpointSlice of
 * it, nor of a Service that it shares its connections with, lists the endpoint as serving. The others keep what they are
 * connected to. What the cluster says and the tables do not say yet, or the other way round, is left for the next time.
 */
export const goneSockets = (
  cluster: Cluster,
  have: Pick<Have, 'ports' | 'tables'>,
  arms: ArmsSoFar,
  sockets: readonly StaleSocket[],
): readonly StaleSocket[] => {
  if (sockets.length === 0) return [];
  const asked = new Set(sockets.map(({ service }) => service));
  // Many sockets, few Services: the endpoints of each are looked at once. Undefined: nobody can tell.
  const alive = new Map<number, readonly ReadonlySet<string>[] | undefined>();
  for (const [id, { service }] of have.ports) if (asked.has(service)) alive.set(service, aliveOf(cluster, arms, id));
  return sockets.filter(({ service, serviceGeneration, address, port }) => {
    if (have.tables.serviceGeneration(service) !== serviceGeneration) return true;
    return alive.get(service)?.every((endpoints) => !endpoints.has(aliveKey(address, port))) === true;
  });
};

/** `id` is a DesiredPort's: `namespace/service/port-name/PROTOCOL`. */
const aliveOf = (cluster: Cluster, arms: ArmsSoFar, id: string): readonly ReadonlySet<string>[] | undefined => {
  const [namespace = '', service = '', name = ''] = id.split('/');
  const input = inputFor(cluster, `${namespace}/${service}`);
  if (input === undefined) return undefined;
  const others = [...(arms.get(id) ?? [])].flatMap((arm) => aliveOfArm(cluster, arm));
  return [aliveEndpoints(input, { name, protocol: 'UDP' }), ...others];
};

/** `id` is a DesiredArm's: `namespace/service:port`, with `@policy` where that is for some clients. */
const aliveOfArm = (cluster: Cluster, id: string): readonly ReadonlySet<string>[] => {
  const [, key = '', number] = /^([^:]+):(\d+)(?:@|$)/.exec(id) ?? [];
  const input = inputFor(cluster, key);
  return (input?.service.ports ?? [])
    .filter(({ port }) => port === Number(number))
    .flatMap(({ name }) => (input === undefined ? [] : [aliveEndpoints(input, { name, protocol: 'UDP' })]));
};
