import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { WantedStatus } from '../../../../../src/core/status/wanted.ts';
import type { Client } from '../../../../../src/sources/kubernetes/client.ts';
import { type AttemptEnd, StatusWriter } from '../../../../../src/sources/kubernetes/status/writer.ts';
import { ManualClock } from '../../../../helpers/manual-clock.ts';

test('an object that was made anew is told nothing about the one before it', async () => {
  const { writer, clock, server } = open();
  server.put('tcproutes', 'web', { generation: 1 });
  writer.want([wanted('TCPRoute', 'web', 7, 'of the old one')]);
  await clock.advance(1_000);
  expect(server.writes).toEqual([]);
  writer.want([wanted('TCPRoute', 'web', 1, 'of the new one')]);
  await clock.advance(1_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['of the new one']);
});

test('what was said of a generation that the object never had keeps nobody from saying what holds', async () => {
  const { writer, clock, server } = open();
  server.put('tcproutes', 'web', { generation: 2, parents: [ours('forged', 999_999)] });
  writer.want([wanted('TCPRoute', 'web', 2)]);
  await clock.advance(1_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['as it is']);
});

test.each([500, 502])('a type whose status is always answered by %i holds up no other', async (status) => {
  const { writer, clock, server } = open();
  const broken = Array.from({ length: 20 }, (_, index) => `r${index}`);
  for (const name of broken) server.put('httproutes', name);
  server.put('tcproutes', 'web');
  server.refusal = (resource) => (resource === 'httproutes' ? status : undefined);
  writer.want([...broken.map((name) => wanted('HTTPRoute', name)), wanted('TCPRoute', 'web')]);
  await clock.advance(5_000);
  expect(server.messages('tcproutes', 'web')).toEqual(['as it is']);
});

test.each([429, 503, 504])(
  'after a %i nobody else asks, for half a minute at most, and then another does',
  async (status) => {
    const { writer, clock, server } = open();
    for (const name of ['r0', 'r1']) server.put('httproutes', name);
    server.put('tcproutes', 'web');
    server.refusal = (resource) => (resource === 'httproutes' ? status : undefined);
    writer.want([wanted('HTTPRoute', 'r0'), wanted('HTTPRoute', 'r1'), wanted('TCPRoute', 'web')]);
    await clock.advance(900);
    expect(server.writes).toEqual(['httproutes/r0']);
    await clock.advance(4_000);
    expect(server.writes.slice(0, 3)).toEqual(['httproutes/r0', 'httproutes/r1', 'tcproutes/web']);
    server.refusal = () => status;
    writer.want(Array.from({ length: 40 }, (_, index) => wanted('TCPRoute', `t${index}`)));
    for (let index = 0; index < 40; index++) server.put('tcproutes', `t${index}`);
    await clock.advance(600_000);
    const before = server.writes.length;
    await clock.advance(60_000);
    expect(server.writes.length).toBeGreaterThanOrEqual(before + 2);
  },
);

const open = () => {
  const clock = new ManualClock();
  const server = new Server();
  const ends = new Map<string, AttemptEnd>();
  const writer = new StatusWriter({
    client: server.client,
    clock,
    random: () => 0,
    mayWrite: () => true,
    resourceOf: (kind) => RESOURCES[kind],
    onEnd: (name, end) => void ends.set(name, end),
  });
  return { clock, server, writer, ends };
};

const RESOURCES: Readonly<Record<string, string>> = { HTTPRoute: 'httproutes', TCPRoute: 'tcproutes' };

/** Keeps objects, and takes whatever status is written. */
class Server {
  /** `httproutes/web`, in order. */
  readonly writes: string[] = [];
  /** Answers instead of taking the status. */
  refusal: (resource: string) => number | undefined = () => undefined;
  readonly #objects = new Map<string, Stored>();
  #version = 0;

  readonly client: Client = {
    server: 'https://nowhere',
    get: (path) => answer(this.#objects.get(keyOf(path))),
    send: (_, path, body) => {
      const key = keyOf(path);
      this.writes.push(key);
      const refused = this.refusal(key.split('/')[0] ?? '');
      if (refused !== undefined) return answer({ kind: 'Status', code: refused, message: 'refused' }, refused);
      const { metadata, status } = JSON.parse(body) as Stored;
      return answer(this.#store(key, { metadata, status }));
    },
    close: () => {},
  };

  put(
    resource: string,
    name: string,
    { generation = 1, parents = [] }: Partial<{ generation: number; parents: object[] }> = {},
  ): string {
    return (
      this.#store(`${resource}/${name}`, { metadata: { generation }, status: { parents } }).metadata.resourceVersion ??
      ''
    );
  }

  messages(resource: string, name: string): readonly string[] | undefined {
    const parents = this.#objects.get(`${resource}/${name}`)?.status.parents as readonly ReturnType<typeof ours>[];
    return parents?.flatMap(({ conditions }) => conditions.map(({ message }) => message));
  }

  #store(key: string, object: Stored): Stored {
    const resourceVersion = String(++this.#version);
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion } };
    this.#objects.set(key, stored);
    return stored;
  }
}

interface Stored {
  readonly metadata: { readonly generation: number; readonly resourceVersion?: string };
  readonly status: { readonly parents?: readonly object[] };
}

/** `/apis/gateway.networking.k8s.io/v1/namespaces/shop/tcproutes/web/status`: `tcproutes/web`. */
const keyOf = (path: string): string => path.split('/').slice(6, 8).join('/');

const answer = (object: object | undefined, status = object === undefined ? 404 : 200) => {
  const body = Readable.from([Buffer.from(JSON.stringify(object ?? { kind: 'Status', code: 404 }))]);
  return { answer: Promise.resolve({ status, headers: {}, body } as never), abort: () => {} };
};

const ours = (message: string, observedGeneration: number) => ({
  parentRef: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
  controllerName: 'shunt.dev/agent',
  conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration }],
});

const wanted = (kind: 'HTTPRoute' | 'TCPRoute', name: string, generation = 1, message = 'as it is'): WantedStatus => ({
  ref: { kind, apiVersion: 'gateway.networking.k8s.io/v1', namespace: 'shop', name, generation },
  kind: 'parents',
  entries: [
    {
      of: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration: generation }],
    },
  ],
});
