import type { DesiredGroup, DesiredPort } from '../core/model/desired.ts';
import { frontendKey, type Have } from '../core/plan/have.ts';
import type { FrontendWrite } from '../core/plan/transaction.ts';

/**
 * Whether something that was in force at the start would go and nothing come in its place: endpoints, shares of other
 * Services, or a choice of some clients alone. Asked while the cluster is not known as a whole: what makes up for it may
 * be in an object that could not be read yet.
 */
export const wouldCutOff = (
  { ports, frontends }: Pick<Have, 'ports' | 'frontends'>,
  { id, protocol, groups }: DesiredPort,
): boolean => {
  if (ports.has(id)) return false;
  const clients = groups.filter(({ client }) => client !== undefined);
  return groups.some(({ addresses, port, client, ...group }) =>
    addresses.some((address) => {
      const found = client === undefined && frontends.get(frontendKey({ address, port, protocol }));
      if (!found) return false;
      const hasClients = clients.some((other) => other.port === port && other.addresses.includes(address));
      return refusesMore(found, group) || sharesLess(found, group) || ((found.clientLevels ?? 0) !== 0 && !hasClients);
    }),
  );
};

type Answer = Pick<DesiredGroup, 'endpoints' | 'arms'>;

/**
 * Whether clients had a choice of their own at the start, and nobody has looked at this port since. Asked while not all
 * Pods of this node are known: whose choice it is may be told in a moment.
 */
export const wouldForgetClients = (
  { ports, frontends }: Pick<Have, 'ports' | 'frontends'>,
  { id, protocol, groups }: DesiredPort,
): boolean =>
  !ports.has(id) &&
  groups.some(({ addresses, port }) =>
    addresses.some((address) => (frontends.get(frontendKey({ address, port, protocol }))?.clientLevels ?? 0) !== 0),
  );

const refusesMore = ({ slotCount }: FrontendWrite, { endpoints, arms }: Answer): boolean =>
  slotCount > 0 && (arms === undefined ? endpoints.length === 0 : arms.some((arm) => arm.endpoints.length === 0));

const sharesLess = (found: FrontendWrite, { arms }: Answer): boolean => found.arms === true && arms === undefined;
