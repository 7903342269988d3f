import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { applyEvents, type Cluster, createCluster, inputFor } from '../../../../src/core/cluster.ts';
import { type Desired, desire } from '../../../../src/core/desire/desire.ts';
import { listItems, readObject } from '../../../../src/core/desire/read.ts';
import { createIntern } from '../../../../src/core/model/intern.ts';
import { complaintLines, desiredLines, OUR_NODE } from '../../../helpers/objects.ts';

const fixture = (name: string): string => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8');

/** The cluster in an export that kubectl took from an API server. */
const exported = (): Cluster => {
  const cluster = createCluster();
  const intern = createIntern();
  for (const raw of listItems(parse(fixture('cluster.yaml'))) ?? []) {
    const read = readObject(raw, intern);
    if (read.outcome === 'object') applyEvents(cluster, [{ type: 'put', object: read.object }]);
  }
  return cluster;
};

const desiredOn = (cluster: Cluster, nodeName: string, key: string): Desired => {
  const input = inputFor(cluster, key);
  if (input === undefined) throw new Error(`there is no Service ${key}`);
  return desire({ ...input, node: { ...OUR_NODE, name: nodeName } });
};

it('an export of a real cluster becomes exactly what cluster.desired.txt says for node-a', () => {
  const cluster = exported();
  const all = [...cluster.services.keys()].sort().map((key) => desiredOn(cluster, 'node-a', key));
  const lines = [
    ...all.flatMap(({ ports }) => desiredLines(ports)),
    '',
    ...all.flatMap(({ complaints }) => complaintLines(complaints)),
  ];
  expect(`${lines.join('\n')}\n`).toBe(fixture('cluster.desired.txt'));
});

it.each([
  ['node-a', '10.244.1.51:8080=1'],
  ['node-b', 'refused'],
  ['node-c', '10.244.3.51:8080=1'],
  ['', '10.244.1.51:8080=1 10.244.3.51:8080=1'],
])('its Service with internalTrafficPolicy Local gives node %j: %s', (nodeName, answers) => {
  const { ports } = desiredOn(exported(), nodeName, 'shop/catalog');
  expect(desiredLines(ports)).toEqual([`shop/catalog/http/TCP 10.96.0.6:8080 -> ${answers}`]);
});
