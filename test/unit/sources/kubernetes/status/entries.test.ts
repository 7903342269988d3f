import { describe, expect, test } from 'vitest';
import type { WantedCondition, WantedEntry, WantedStatus } from '../../../../../src/core/status/wanted.ts';
import type { Fields } from '../../../../../src/sources/kubernetes/calls.ts';
import { CONTROLLER, merge, oursIn } from '../../../../../src/sources/kubernetes/status/entries.ts';

const EARLIER = '2026-01-01T00:00:00Z';
const NOW = '2026-01-02T00:00:00Z';

describe('entries of ours', () => {
  test.each([
    { what: 'are added to none', there: undefined, wanted: [entry('web')], becomes: [ours('web')] },
    {
      what: 'come after those of others',
      there: [foreign('web')],
      wanted: [entry('web')],
      becomes: [foreign('web'), ours('web')],
    },
    {
      what: 'take the places that they had',
      there: [old('cart'), foreign('web'), old('web')],
      wanted: [entry('web'), entry('cart')],
      becomes: [old('cart'), foreign('web'), old('web')],
    },
    {
      what: 'go when they are no longer wanted',
      there: [old('cart'), foreign('web'), old('web')],
      wanted: [entry('web')],
      becomes: [foreign('web'), old('web')],
    },
    {
      what: 'all go when nothing is wanted',
      there: [old('web'), foreign('web')],
      wanted: [],
      becomes: [foreign('web')],
    },
    {
      what: 'for another port are others',
      there: [old('web')],
      wanted: [entry('web', { port: 80 })],
      becomes: [ours('web', { port: 80 })],
    },
    {
      what: 'lose conditions and fields that are not ours to say',
      there: [
        {
          ...old('web'),
          extra: 1,
          conditions: [...(old('web').conditions as Fields[]), { type: 'Odd', status: 'True' }],
        },
      ],
      wanted: [entry('web')],
      becomes: [old('web')],
    },
  ])('$what', ({ there, wanted, becomes }) => {
    const { object } = merge(route(there), status(wanted), NOW);
    expect(object.status).toEqual({ other: 'field', parents: becomes });
    expect(object.spec).toEqual({ kept: true });
  });

  test('that say the same, with their fields in any order, change nothing', () => {
    const turned = Object.fromEntries(Object.entries(old('web')).reverse());
    const { before, after, object } = merge(route([turned]), status([entry('web')]), NOW);
    expect(before).toBe(after);
    expect(oursIn(object, 'parents')).toBe(before);
  });

  test.each([
    { what: 'another status', change: { status: 'False', reason: 'NoMatchingParent' }, time: NOW },
    {
      what: 'only another reason, message and generation',
      change: { reason: 'Pending', message: 'm', observedGeneration: 9 },
      time: EARLIER,
    },
  ] as const)('tell the time of a condition with $what', ({ change, time }) => {
    const { object, before, after } = merge(route([old('web')]), status([entry('web', {}, change)]), NOW);
    expect(before).not.toBe(after);
    const [parent] = (object.status as { readonly parents: readonly Fields[] }).parents;
    expect(parent?.conditions).toContainEqual({ ...condition(change), lastTransitionTime: time });
  });

  test.each([
    { generation: 4, isOutdated: true },
    { generation: 5, isOutdated: false },
    { generation: 6, isOutdated: false },
  ])('about generation 5, which another agent knew, are not written over by what is about $generation', (row) => {
    const told = route([old('web', 5), foreign('web')]);
    for (const entries of [[entry('web')], []]) {
      expect(merge(told, status(entries, row.generation), NOW).isOutdated).toBe(row.isOutdated);
    }
  });

  test.each([
    { generation: 4, isOutdated: false },
    { generation: 5, isOutdated: true },
    { generation: undefined, isOutdated: true },
  ])('about generation 5 count for something in an object of generation $generation', ({ generation, isOutdated }) => {
    const told = { ...route([old('web', 5)]), metadata: { name: 'r', generation } };
    expect(merge(told, status([entry('web')], 4), NOW).isOutdated).toBe(isOutdated);
  });

  test('are not written into an object of an earlier generation: it was made anew', () => {
    const told = { ...route([]), metadata: { name: 'r', generation: 1 } };
    expect(merge(told, status([entry('web')], 2), NOW).isOutdated).toBe(true);
    expect(merge(told, status([entry('web')], 1), NOW).isOutdated).toBe(false);
  });

  test('leave others their places where a list can have no more', () => {
    const others = Array.from({ length: 31 }, (_, index) => foreign(`other-${index}`));
    const { object } = merge(route(others), status([entry('web'), entry('cart')]), NOW);
    expect((object.status as { readonly parents: readonly unknown[] }).parents).toEqual([...others, ours('web')]);
  });

  test('of a policy are ancestors', () => {
    const { object } = merge({ metadata: {} }, { ...status([entry('web')]), kind: 'ancestors' }, NOW);
    expect(object.status).toMatchObject({ ancestors: [{ ancestorRef: { name: 'web' }, controllerName: CONTROLLER }] });
  });
});

function condition(change: Partial<WantedCondition> = {}): WantedCondition {
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', observedGeneration: 1, ...change };
}

function entry(
  name: string,
  more: { readonly port?: number } = {},
  change: Partial<WantedCondition> = {},
): WantedEntry {
  return { of: { group: '', kind: 'Service', namespace: 'shop', name, ...more }, conditions: [condition(change)] };
}

/** As the server has it after it was written now. */
function ours(name: string, more: { readonly port?: number } = {}, time = NOW, observedGeneration = 1): Fields {
  const { of } = entry(name, more);
  const conditions = [{ ...condition({ observedGeneration }), lastTransitionTime: time }];
  return { parentRef: of, controllerName: CONTROLLER, conditions };
}

function old(name: string, observedGeneration = 1): Fields {
  return ours(name, {}, EARLIER, observedGeneration);
}

function foreign(name: string): Fields {
  return { ...old(name), controllerName: 'example.com/gateway' };
}

function route(parents: readonly Fields[] | undefined): Fields {
  return { metadata: { name: 'r' }, spec: { kept: true }, status: { other: 'field', ...(parents && { parents }) } };
}

function status(entries: readonly WantedEntry[], generation = 1): WantedStatus {
  const apiVersion = 'gateway.networking.k8s.io/v1';
  const ref = { kind: 'TCPRoute', namespace: 'shop', name: 'r', apiVersion, generation } as const;
  return { ref, kind: 'parents', entries };
}
