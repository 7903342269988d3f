import { readdirSync, readFileSync } from 'node:fs';
import { evaluate } from '@marcbachmann/cel-js';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { readObject } from '../../src/core/desire/read.ts';
import { find, kustomization, type Manifest, parse } from '../helpers/manifests.ts';
import { TRAFFIC_POLICY_ROWS, trafficPolicy } from '../helpers/traffic-policy-rows.ts';

/**
 * The definition of TrafficPolicy against the agent's reader. test/deployed asks a real API server about the same rows.
 */

describe.each(TRAFFIC_POLICY_ROWS)('a TrafficPolicy with $title', ({ spec, right, but }) => {
  const isRight = right && but !== 'stored';
  const isKept = isRight || but === 'dropped' || but === 'names';

  test(`is ${right ? 'accepted' : 'refused'} by the reader`, () => {
    expect(isRead(trafficPolicy('canary', spec))).toBe(right);
  });

  test(`is ${isKept ? 'accepted' : 'refused'} by the schema`, () => {
    const raw = trafficPolicy('canary', spec);
    expect(isValid(raw) && brokenRules(raw).length === 0).toBe(isKept);
  });

  const isKeptWithout = isKept || but === 'rules' || but === 'stored';
  test(`is ${isKeptWithout ? 'accepted' : 'refused'} by the schema without its rules`, () => {
    expect(isValid(trafficPolicy('canary', spec))).toBe(isKeptWithout);
  });

  test('is read as it is stored, when the schema accepts it', () => {
    const stored = trafficPolicy('canary', spec);
    const isStored = isValid(stored) && brokenRules(stored).length === 0;
    expect(isStored && isRead(stored)).toBe(isRight || but === 'dropped');
  });
});

const EXAMPLES = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((name) => parse(readFileSync(`examples/${name}`, 'utf8')))
  .filter(({ kind }) => kind === 'TrafficPolicy');

test.each(EXAMPLES)('the example $metadata.name is accepted by the schema', (policy) => {
  const raw = structuredClone(policy);
  expect(isValid(raw)).toBe(true);
  expect(brokenRules(raw)).toEqual([]);
  // Nothing was dropped.
  expect(isRead(policy)).toBe(true);
});

test('the status that Shunt writes is kept as it is', () => {
  const condition = {
    type: 'Accepted',
    status: 'False',
    observedGeneration: 3,
    lastTransitionTime: '2026-11-22T22:51:17Z',
    reason: 'Conflicted',
    message: 'TrafficPolicy shop/older governs it alone',
  };
  const ancestorRef = { group: '', kind: 'Service', namespace: 'shop', name: 'cart' };
  const status = { ancestors: [{ ancestorRef, controllerName: 'shunt.dev/agent', conditions: [condition] }] };
  const raw = { ...trafficPolicy('canary', { targetRefs: [{ kind: 'Service', name: 'cart' }] }), status };
  const stored = structuredClone(raw);
  expect(isValid(stored)).toBe(true);
  expect(stored.status).toEqual(status);
  expect(isRead(stored)).toBe(true);
  expect(definition.spec.versions[0]?.subresources).toEqual({ status: {} });
});

/*
 * An API server takes the whole definition for wrong when a rule may cost too much, as it counts from these bounds
 * (https://kubernetes.io/docs/reference/using-api/cel/#cel-resource-constraints).
 */
test('every list, map and text below spec is bounded', () => {
  const unbounded = (schema: Schema, path: string): readonly string[] => [
    ...(BOUNDS[String(schema.type)]?.some((bound) => bound in schema) === false ? [path] : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => unbounded(each, `${path}.${name}`)),
    ...(schema.items === undefined ? [] : unbounded(schema.items, `${path}[]`)),
    ...(schema.additionalProperties === undefined ? [] : unbounded(schema.additionalProperties, `${path}.*`)),
  ];
  expect(unbounded(root.properties?.spec as Schema, 'spec')).toEqual([]);
});

const BOUNDS: Readonly<Record<string, readonly string[]>> = {
  array: ['maxItems'],
  object: ['properties', 'maxProperties'],
  string: ['maxLength', 'enum'],
};

test('the definition names the kind that the reader reads', () => {
  expect(definition.spec).toMatchObject({ group: 'shunt.dev', names: { kind: 'TrafficPolicy' } });
  expect(definition.spec.versions.map(({ name }) => name)).toEqual(['v1alpha1']);
});

interface Definition extends Manifest {
  readonly spec: { readonly versions: readonly Version[] };
}

interface Version {
  readonly name: string;
  readonly subresources: object;
  readonly schema: { readonly openAPIV3Schema: Schema };
}

interface Schema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

const definition = find<Definition>(
  kustomization('deploy/kustomize/base'),
  'CustomResourceDefinition',
  'trafficpolicies.shunt.dev',
);

const root = definition.spec.versions[0]?.schema.openAPIV3Schema as Schema;

const isRead = (raw: object): boolean => readObject(raw, (text) => text).outcome === 'object';

/** As an API server, which drops unknown fields and fills in defaults, in place. */
const isValid = (raw: object): boolean => validate(raw) as boolean;

/** Messages of the rules that what is there breaks. */
const brokenRules = (value: unknown, schema: Schema = root): readonly string[] => [
  ...(schema[RULES] ?? []).flatMap(({ rule, message }) => (evaluate(rule, { self: value }) === true ? [] : [message])),
  ...Object.entries(schema.properties ?? {}).flatMap(([name, each]) => {
    const field = (value as Readonly<Record<string, unknown>>)[name];
    return field === undefined ? [] : brokenRules(field, each);
  }),
  ...(schema.items === undefined
    ? []
    : (value as readonly unknown[]).flatMap((item) => brokenRules(item, schema.items))),
];

const RULES = 'x-kubernetes-validations';
const LIST_KEYS = 'x-kubernetes-list-map-keys';

/** Objects of a list that agree in all of its keys are one and the same. */
const areDistinct = (keys: readonly string[], list: readonly Readonly<Record<string, unknown>>[]): boolean =>
  new Set(list.map((item) => JSON.stringify(keys.map((key) => item[key])))).size === list.length;

const ajv = new Ajv({
  strict: true,
  removeAdditional: true,
  useDefaults: true,
  allErrors: true,
  formats: { 'date-time': true },
})
  .addVocabulary(['x-kubernetes-list-type', 'x-kubernetes-map-type', RULES])
  .addKeyword({ keyword: LIST_KEYS, type: 'array', validate: areDistinct });

/** Where a schema says nothing of other fields the API server keeps none; only `metadata` is its own affair. */
const closed = (schema: Schema): object => ({
  ...schema,
  ...(schema.items === undefined ? {} : { items: closed(schema.items) }),
  ...(schema.properties === undefined
    ? {}
    : {
        additionalProperties: false,
        properties: Object.fromEntries(Object.entries(schema.properties).map(([name, each]) => [name, closed(each)])),
      }),
});

const validate = ajv.compile(closed(root));
