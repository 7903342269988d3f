import type { ServiceObject } from '../model/objects.ts';
import { isConsumers, narrowingOf } from '../route/attached.ts';
import { weighedBackends } from '../route/backend.ts';
import type { Ruling } from './ruling.ts';
import { selectorText } from './selector.ts';

/** What sets the clients apart for whom this counts: `namespace checkout, ring=testers`; undefined: nothing does. */
export const clienteleText = ({ route, policy, policyOf }: Ruling, service: ServiceObject): string | undefined => {
  const namespace =
    route !== undefined && isConsumers(route.route, service) ? `namespace ${route.route.namespace}` : '';
  const policies =
    route === undefined
      ? [policy.first]
      : [narrowingOf(route), ...weighedBackends(route).map((backend) => policyOf(backend).first)];
  const selectors = policies.flatMap((each) => (each?.clients === undefined ? [] : [selectorText(each.clients)]));
  const text = [namespace, ...new Set(selectors)].filter((part) => part !== '').join(', ');
  if (text !== '') return text;
  return selectors.length === 0 ? undefined : EVERY_POD;
};

/** `clients: {}` matches every Pod, and no process outside of one. */
const EVERY_POD = 'every Pod';
