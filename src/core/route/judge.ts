import { routeKeyOf } from '../cluster/keys.ts';
import { objectText } from '../desire/complaint.ts';
import type { RouteInput } from '../desire/desire.ts';
import { isServed, type ServedPort } from '../desire/ports.ts';
import { isOthers } from '../desire/programmed.ts';
import { NARROWED } from '../desire/read-route.ts';
import type { RouteParent, ServiceObject } from '../model/objects.ts';
import { carriedBy, isForNobody, means, narrowingOf } from './attached.ts';
import { type Ranking, whyFirst } from './precedence.ts';

/** What becomes of one of a route's parents. */
export interface Judgement {
  readonly reason: 'Accepted' | 'NoMatchingParent' | 'UnsupportedValue' | 'Conflicted' | 'Pending';
  readonly message: string;
}

/**
 * Whether a route counts at a parent, that is at any of the parent's ports that it names. `service` is undefined when
 * there is no such Service, and then nor is its ranking. Undefined: it is another proxy's, and for that one to judge.
 */
export const judge = (
  input: RouteInput,
  parent: RouteParent,
  service: ServiceObject | undefined,
  ranking: Ranking | undefined,
  proxyName: string,
): Judgement | undefined => {
  const { route } = input;
  if (service === undefined) {
    return { reason: 'NoMatchingParent', message: `there is no Service ${parent.namespace}/${parent.name}` };
  }
  if (isOthers(service, proxyName)) return undefined;
  const unfit = unfitParent(service);
  if (unfit !== undefined) return unfit;
  if (route.unsupported !== '') {
    return { reason: 'UnsupportedValue', message: `none of the route is in force, because of ${route.unsupported}` };
  }
  const ports = service.ports
    .filter(isServed)
    .filter((port) => port.protocol === carriedBy(route.kind) && means(parent, service, port));
  if (ports.length === 0) return { reason: 'NoMatchingParent', message: noPortText(input, parent, service) };
  if (isForNobody(input)) return { reason: 'Pending', message: nobodyText(input) };
  return judgePorts(input, ports, ranking);
};

/** It is accepted if it counts at one port at least, and says which ports are left to others. */
const judgePorts = (input: RouteInput, ports: readonly ServedPort[], ranking: Ranking | undefined): Judgement => {
  const lost = ports.flatMap((port) => {
    const other = ranking?.overruling(input, port);
    if (other === undefined) return [];
    return [`port ${port.port} is left to ${routeKeyOf(other.route)}: ${whyFirst(other.route, input.route)}`];
  });
  const message = lost.join('; ');
  return lost.length < ports.length ? { reason: 'Accepted', message } : { reason: 'Conflicted', message };
};

/** GEP-1294: a parent has a cluster address, by which clients ask for it. */
const unfitParent = (service: ServiceObject): Judgement | undefined => {
  if (service.type === 'ExternalName' || service.headless) {
    const what = service.headless ? 'headless' : 'an ExternalName';
    return { reason: 'NoMatchingParent', message: `${objectText(service)} is ${what}: it has no address of its own` };
  }
  return service.clusterIPs.length > 0
    ? undefined
    : { reason: 'Pending', message: `${objectText(service)} has no address yet` };
};

const nobodyText = (input: RouteInput): string => {
  const narrowing = narrowingOf(input);
  const why =
    narrowing === undefined
      ? `its annotation ${NARROWED} asks for a TrafficPolicy that names its clients, and there is none`
      : `${objectText(narrowing)}, which names its clients, could not be read yet`;
  return `the route is for nobody: ${why}`;
};

const noPortText = ({ route }: RouteInput, { port, sectionName }: RouteParent, service: ServiceObject): string => {
  const wanted = [port === undefined ? '' : ` ${port}`, sectionName === '' ? '' : ` named ${sectionName}`].join('');
  return `${objectText(service)} has no ${carriedBy(route.kind)} port${wanted}`;
};
