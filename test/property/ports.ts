import type {
  ChoiceRule,
  Client,
  DesiredArm,
  DesiredEndpoint,
  DesiredGroup,
  DesiredPort,
} from '../../src/core/model/desired.ts';

/** Builders of desired ports for rows: TCP at port 80, IPv4. Endpoints are `last byte of 10.1.0.x: weight`, at 8080. */
type Endpoints = Readonly<Record<number, number>>;

export const endpointsOf = (endpoints: Endpoints): readonly DesiredEndpoint[] =>
  Object.entries(endpoints).map(([byte, weight]) => ({ address: `10.1.0.${byte}`, port: 8080, weight }));

export const portWith = (
  id: string,
  groups: readonly DesiredGroup[],
  fields: Partial<DesiredPort> = {},
): DesiredPort => ({ id, protocol: 'TCP', port: 80, affinityTimeoutS: 0, groups, closed: [], ...fields });

export const groupOf = (
  addresses: readonly string[],
  answering: Endpoints | readonly DesiredArm[],
  fields: Partial<DesiredGroup> = {},
): DesiredGroup => ({
  family: 4,
  kind: 'cluster',
  port: 80,
  addresses,
  scope: 'cluster',
  ...(isArms(answering) ? { endpoints: [], arms: answering } : { endpoints: endpointsOf(answering) }),
  ...fields,
});

export const armOf = (
  id: string,
  weight: number,
  endpoints: Endpoints,
  algorithm: ChoiceRule['algorithm'] = 'WeightedRandom',
): DesiredArm => ({ id, weight, choice: choiceOf(algorithm), endpoints: endpointsOf(endpoints) });

export const choiceOf = (algorithm: ChoiceRule['algorithm'], hashOn: ChoiceRule['hashOn'] = 'Pod'): ChoiceRule => ({
  algorithm,
  hashOn,
});

export const clientAt = (cgroup: bigint, level: number): Client => ({ cgroup, level });

const isArms = (answering: Endpoints | readonly DesiredArm[]): answering is readonly DesiredArm[] =>
  Array.isArray(answering);
