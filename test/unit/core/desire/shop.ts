import { expect } from 'vitest';
import { applyEvents, type ClusterEvent, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { desire } from '../../../../src/core/desire/desire.ts';
import type { ClusterObject } from '../../../../src/core/model/objects.ts';
import { complaintLines, endpoint, OUR_NODE, service, slice } from '../../../helpers/objects.ts';
import { answerLines } from '../../../helpers/route-objects.ts';

// Service web is the parent at 10.96.0.1:80 with endpoint 10.1.0.1; v1 has 10.1.1.1, v2 has 10.1.2.1, both at port 80.

export const version = (
  name: string,
  third: number,
  fields: Parameters<typeof service>[0] = {},
): readonly ClusterObject[] => [
  service({ name, clusterIPs: [`10.96.1.${third}`], ...fields }),
  slice([endpoint(`10.1.${third}.1`)], { name: `${name}-1`, service: name, namespace: fields?.namespace ?? 'shop' }),
];

export const SHOP: readonly ClusterObject[] = [
  service(),
  slice([endpoint('10.1.0.1')]),
  ...version('v1', 1),
  ...version('v2', 2),
];

export const OWN = '10.96.0.1:80 -> 10.1.0.1:8080=1';
export const V1 = '10.96.0.1:80 -> 1 of shop/v1:80 (10.1.1.1:8080=1)';

export interface Row {
  readonly rule: string;
  readonly objects: readonly ClusterObject[];
  readonly want: readonly string[];
  readonly complaints?: readonly string[];
}

export const desired = (objects: readonly ClusterObject[], clients: readonly ClusterEvent[] = []) => {
  const cluster = createCluster();
  applyEvents(cluster, [...objects.map((object) => ({ type: 'put', object }) as const), ...clients]);
  const input = inputFor(cluster, 'shop/web');
  if (input === undefined) throw new Error('no shop/web');
  return desire({ ...input, node: OUR_NODE });
};

export const check = ({ objects, want, complaints = [] }: Row, clients?: readonly ClusterEvent[]): void => {
  const { ports, complaints: said } = desired([...SHOP, ...objects], clients);
  expect(answerLines(ports)).toEqual(want);
  expect(complaintLines(said)).toEqual(complaints);
};
