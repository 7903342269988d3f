import type { Intern } from '../model/intern.ts';
import type { Algorithm, ObjectRef, TrafficPolicyObject } from '../model/objects.ts';
import { goDurationMs } from './read-duration.ts';
import {
  at,
  booleanField,
  complain,
  type Fields,
  isAbsent,
  listField,
  objectField,
  type Path,
  pathText,
  type Review,
  shown,
  textField,
} from './read-field.ts';
import { readMetadata } from './read-metadata.ts';

/**
 * Projects a DestinationRule of Istio (https://istio.io/latest/docs/reference/config/networking/destination-rule/) to
 * what a TrafficPolicy can say as well. Undefined when it is not for a Service of its own namespace.
 */
export const readDestinationRule = (
  review: Review,
  raw: Fields,
  ref: ObjectRef,
  intern: Intern,
): TrafficPolicyObject | undefined => {
  const spec = objectField(review, raw, 'spec') ?? {};
  const host = textField(review, spec, 'host', SPEC);
  const service = serviceOf(host, ref.namespace);
  if (service === undefined) {
    const message = `${shown(host)} is no Service of namespace ${ref.namespace}: nothing is taken from the rule`;
    complain(review, 'note', at(SPEC, 'host'), message);
    return undefined;
  }
  return {
    kind: 'DestinationRule',
    namespace: ref.namespace,
    name: ref.name,
    ...readMetadata(review, raw),
    services: [intern(service)],
    routes: [],
    endpointWeights: [],
    clients: undefined,
    ...(isForAll(review, spec) ? readChoice(review, spec) : nothingOf(spec)),
  };
};

type Choice = Pick<TrafficPolicyObject, 'algorithm' | 'hashOn' | 'slowStartMs' | 'ignored'>;

/** `name` and `name.namespace`, with `.svc` and the default cluster domain or without. */
const serviceOf = (host: string, namespace: string): string | undefined => {
  const [name = '', own = namespace, ...rest] = host.replace(/\.svc(\.cluster\.local)?$/, '').split('.');
  const isHost = LABEL.test(name) && own === namespace && rest.length === 0;
  return isHost && (host === name || host.startsWith(`${name}.${namespace}`)) ? name : undefined;
};

/**
 * A rule that only some workloads or namespaces are to see must not be in force for all; who they are is not followed.
 */
const isForAll = (review: Review, spec: Fields): boolean => {
  const exportTo = listField(review, spec, 'exportTo', SPEC);
  return isAbsent(spec.workloadSelector) && (exportTo.length === 0 || exportTo.includes('*'));
};

const nothingOf = (spec: Fields): Choice => ({
  algorithm: undefined,
  hashOn: 'Pod',
  slowStartMs: 0,
  ignored: otherFields(spec, ['host'], SPEC),
});

const readChoice = (review: Review, spec: Fields): Choice => {
  const policy = objectField(review, spec, 'trafficPolicy', SPEC) ?? {};
  const balancer = objectField(review, policy, 'loadBalancer', POLICY) ?? {};
  const hash = objectField(review, balancer, 'consistentHash', BALANCER) ?? {};
  const warmup = objectField(review, balancer, 'warmup', BALANCER) ?? {};
  const simple = textField(review, balancer, 'simple', BALANCER);
  const bySource = booleanField(review, hash, 'useSourceIp', false, HASH);
  const algorithm = bySource ? 'Maglev' : SIMPLE.get(simple);
  const slowStart = readSlowStart(review, balancer, warmup);
  const isSimple = simple !== '' && !bySource && algorithm !== undefined;
  return {
    algorithm,
    hashOn: bySource ? 'SourceAddress' : 'Pod',
    slowStartMs: slowStart.timeMs,
    ignored: [
      ...otherFields(spec, ['host', 'trafficPolicy'], SPEC),
      ...otherFields(policy, ['loadBalancer'], POLICY),
      ...otherFields(balancer, ['consistentHash', 'warmup', slowStart.from, isSimple ? 'simple' : ''], BALANCER),
      ...otherFields(hash, ['useSourceIp'], HASH),
      ...otherFields(warmup, [slowStart.from === 'warmup' ? 'duration' : '', ...ownWarmup(warmup)], WARMUP),
    ],
  };
};

interface SlowStart {
  readonly timeMs: number;
  /** The field that it comes from; empty: from none. */
  readonly from: 'warmup' | 'warmupDurationSecs' | '';
}

/** `warmup` counts where its older form `warmupDurationSecs` is there as well. */
const readSlowStart = (review: Review, balancer: Fields, warmup: Fields): SlowStart => {
  const [from, text, path] = isAbsent(warmup.duration)
    ? (['warmupDurationSecs', textField(review, balancer, 'warmupDurationSecs', BALANCER), BALANCER] as const)
    : (['warmup', textField(review, warmup, 'duration', WARMUP), WARMUP] as const);
  if (text === '') return { timeMs: 0, from: '' };
  const timeMs = goDurationMs(text);
  if (timeMs === undefined) {
    const key = from === 'warmup' ? 'duration' : from;
    complain(review, 'error', at(path, key), `must be a duration such as "30s", is ${shown(text)}`);
  }
  const isWithin = timeMs !== undefined && timeMs >= SLOW_START_MIN_MS && timeMs <= SLOW_START_MAX_MS;
  return isWithin ? { timeMs: Math.round(timeMs), from } : { timeMs: 0, from: '' };
};

/** A rise in a straight line from a tenth is what `slowStart` does; Istio has it as the default. */
const ownWarmup = ({ minimumPercent, aggression }: Fields): readonly string[] => [
  ...(minimumPercent === 10 ? ['minimumPercent'] : []),
  ...(aggression === 1 ? ['aggression'] : []),
];

/** Paths of fields that are set and not in the list. */
const otherFields = (fields: Fields, known: readonly string[], path: Path): readonly string[] =>
  Object.keys(fields)
    .filter((key) => !known.includes(key) && !isAbsent(fields[key]))
    .map((key) => pathText(at(path, key)));

/** `PASSTHROUGH` and `UNSPECIFIED` leave the choice to others. */
const SIMPLE: ReadonlyMap<string, Algorithm> = new Map([
  ['ROUND_ROBIN', 'RoundRobin'],
  ['LEAST_REQUEST', 'LeastConnections'],
  ['LEAST_CONN', 'LeastConnections'],
  ['RANDOM', 'WeightedRandom'],
]);
/** As for TrafficPolicy. */
const SLOW_START_MIN_MS = 5000;
const SLOW_START_MAX_MS = 3_600_000;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

const SPEC = at(undefined, 'spec');
const POLICY = at(SPEC, 'trafficPolicy');
const BALANCER = at(POLICY, 'loadBalancer');
const HASH = at(BALANCER, 'consistentHash');
const WARMUP = at(BALANCER, 'warmup');
