import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { readObject } from '../../src/core/desire/read.ts';
import { find, kustomization, type Manifest } from '../helpers/manifests.ts';
import { TRAFFIC_POLICY_ROWS, trafficPolicy } from '../helpers/traffic-policy-rows.ts';

/**
 * The definition of TrafficPolicy against the agent's reader. test/deployed asks a real API server about the same rows.
 */

describe.each(TRAFFIC_POLICY_ROWS)('a TrafficPolicy with $title', ({ spec, right, dropped }) => {
  test(`is ${right ? 'accepted' : 'refused'} by the reader`, () => {
    expect(isRead(trafficPolicy('canary', spec))).toBe(right);
  });

  test(`is ${right || dropped ? 'accepted' : 'refused'} by the schema`, () => {
    expect(isValid(trafficPolicy('canary', spec))).toBe(right || dropped === true);
  });

  test('is read as it is stored, when the schema accepts it', () => {
    const stored = structuredClone(trafficPolicy('canary', spec));
    expect(isValid(stored) ? isRead(stored) : false).toBe(right || dropped === true);
  });
});

test('the definition names the kind that the reader reads', () => {
  expect(definition.spec).toMatchObject({ group: 'shunt.dev', names: { kind: 'TrafficPolicy' } });
  expect(definition.spec.versions.map(({ name }) => name)).toEqual(['v1alpha1']);
});

interface Definition extends Manifest {
  readonly spec: { readonly versions: readonly { name: string; schema: { openAPIV3Schema: Schema } }[] };
}

interface Schema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

const definition = find<Definition>(
  kustomization('deploy/kustomize/base'),
  'CustomResourceDefinition',
  'trafficpolicies.shunt.dev',
);

const isRead = (raw: object): boolean => readObject(raw, (text) => text).outcome === 'object';

/** As an API server, which drops unknown fields, in place. */
const isValid = (raw: object): boolean => validate(raw) as boolean;

const LIST_KEYS = 'x-kubernetes-list-map-keys';

/** Objects of a list that agree in all of its keys are one and the same. */
const areDistinct = (keys: readonly string[], list: readonly Readonly<Record<string, unknown>>[]): boolean =>
  new Set(list.map((item) => JSON.stringify(keys.map((key) => item[key])))).size === list.length;

const ajv = new Ajv({ strict: true, removeAdditional: true, allErrors: true })
  .addVocabulary(['x-kubernetes-list-type'])
  .addKeyword({ keyword: LIST_KEYS, type: 'array', validate: areDistinct });

/** Where a schema says nothing of other fields the API server keeps none; only `metadata` is its own affair. */
const closed = (schema: Schema): Schema => ({
  ...schema,
  ...(schema.items === undefined ? {} : { items: closed(schema.items) }),
  ...(schema.properties === undefined
    ? {}
    : {
        additionalProperties: false,
        properties: Object.fromEntries(Object.entries(schema.properties).map(([name, each]) => [name, closed(each)])),
      }),
});

const validate = ajv.compile(closed(definition.spec.versions[0]?.schema.openAPIV3Schema as Schema));
