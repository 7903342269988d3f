import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Client } from '../../../../src/sources/kubernetes/client.ts';
import { Lookout } from '../../../../src/sources/kubernetes/lookout.ts';
import { resourcesFor } from '../../../../src/sources/kubernetes/resources.ts';
import { TIMING } from '../../../../src/sources/kubernetes/timing.ts';
import { ManualClock } from '../../../helpers/manual-clock.ts';

const GATEWAY = 'gateway.networking.k8s.io';

describe('a type that is missing', () => {
  test('is looked for after half a minute at most, and later every two minutes at most', () => {
    const [soonest, latest] = [1, 0].map((random) => lookoutOf(() => 404, { random }).lookout);
    const pauses = [1, 2, 3, 4, 1000].map((looks) => [soonest?.pauseMs(looks), latest?.pauseMs(looks)]);
    expect(pauses).toEqual([
      [22_500, 30_000],
      [45_000, 60_000],
      [90_000, 120_000],
      [90_000, 120_000],
      [90_000, 120_000],
    ]);
  });

  test('is looked for together with others of its group, by one request', async () => {
    const { lookout, asked, clock } = lookoutOf(() => 404);
    const optional = resourcesFor('node-a').filter(({ dispensable }) => dispensable);
    const look = () => Promise.all(optional.map(({ apiVersion }) => lookout.served(apiVersion)));
    expect(await look()).toEqual(optional.map(() => new Set()));
    expect(asked.toSorted()).toEqual([`/apis/${GATEWAY}`, '/apis/networking.istio.io']);
    await clock.advance(lookout.pauseMs(1));
    await look();
    expect(asked).toHaveLength(4);
  });

  test.each([
    {
      what: 'the group has these',
      status: 200,
      body: groupOf('v1', 'v1beta1'),
      served: new Set([`${GATEWAY}/v1`, `${GATEWAY}/v1beta1`]),
    },
    { what: 'there is no such group', status: 404, body: {}, served: new Set() },
    { what: 'nobody says which versions it has', status: 403, body: {}, served: undefined },
    { what: 'the server has other worries', status: 503, body: {}, served: undefined },
    { what: 'the answer is no group', status: 200, body: { kind: 'Odd' }, served: undefined },
    { what: 'the answer is no object', status: 200, body: 7, served: undefined },
  ])('is known by its group: $what', async ({ status, body, served }) => {
    expect(await lookoutOf(() => status, { body }).lookout.served(`${GATEWAY}/v1`)).toEqual(served);
  });

  test('of the core group is asked for itself', async () => {
    const { lookout, asked } = lookoutOf(() => 404);
    expect(await lookout.served('v1')).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

test('ten thousand nodes without any of these types ask some hundred times a second for all of them', () => {
  const groups = new Set(
    resourcesFor('node-a').flatMap(({ optional, apiVersion }) => (optional ? [apiVersion.split('/')[0]] : [])),
  );
  const meanPauseMs = TIMING.absentMaxMs * 0.875;
  expect((10_000 * groups.size) / (meanPauseMs / 1000)).toBeLessThan(300);
});

function groupOf(...versions: readonly string[]): object {
  return {
    kind: 'APIGroup',
    versions: versions.map((version) => ({ groupVersion: `${GATEWAY}/${version}`, version })),
  };
}

const lookoutOf = (
  statusOf: (path: string) => number,
  { body = {}, random = 0.5 }: { readonly body?: unknown; readonly random?: number } = {},
) => {
  const asked: string[] = [];
  const clock = new ManualClock();
  const client: Client = {
    server: 'https://nowhere',
    get: (path) => {
      asked.push(path);
      const answer = { status: statusOf(path), headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) };
      return { answer: Promise.resolve(answer), abort: () => {} };
    },
    send: () => {
      throw new Error('nothing is written');
    },
    close: () => {},
  };
  return { lookout: new Lookout({ client, clock, random: () => random }), asked, clock };
};
