import { Readable } from 'node:stream';
import type { WantedStatus } from '../../src/core/status/wanted.ts';
import type { Client } from '../../src/sources/kubernetes/client.ts';

/** Keeps objects, and takes whatever is written: statuses, and Leases as a whole. */
export class StatusServer {
  /** Statuses, in order, as `httproutes/web`. */
  readonly writes: string[] = [];
  /** Answers instead of taking the status. */
  refusal: (resource: string) => number | undefined = () => undefined;
  readonly #objects = new Map<string, Stored>();
  #version = 0;

  readonly client: Client = {
    server: 'https://nowhere',
    get: (path) => answer(this.#objects.get(keyOf(path))),
    send: (_, path, body) => {
      if (path.includes('/leases')) return answer(this.#store('leases/shunt-status', JSON.parse(body) as Stored));
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
    const parents = this.parents(resource, name) as readonly ReturnType<typeof ours>[] | undefined;
    return parents?.flatMap(({ conditions }) => conditions.map(({ message }) => message));
  }

  parents(resource: string, name: string): readonly object[] | undefined {
    return this.#objects.get(`${resource}/${name}`)?.status?.parents;
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
  readonly status?: undefined | { readonly parents?: readonly object[] };
}

/** `/apis/gateway.networking.k8s.io/v1/namespaces/shop/tcproutes/web/status`: `tcproutes/web`. */
const keyOf = (path: string): string => path.split('/').slice(6, 8).join('/');

const answer = (object: object | undefined, status = object === undefined ? 404 : 200) => {
  const body = Readable.from([Buffer.from(JSON.stringify(object ?? { kind: 'Status', code: 404 }))]);
  return { answer: Promise.resolve({ status, headers: {}, body } as never), abort: () => {} };
};

/** An entry of Shunt's as the server has it. */
export const ours = (message: string, observedGeneration: number) => ({
  parentRef: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
  controllerName: 'shunt.dev/agent',
  conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration }],
});

export const wanted = (
  kind: 'HTTPRoute' | 'TCPRoute',
  name: string,
  generation = 1,
  message = 'as it is',
): WantedStatus => ({
  ref: { kind, apiVersion: 'gateway.networking.k8s.io/v1', namespace: 'shop', name, generation },
  kind: 'parents',
  entries: [
    {
      of: { group: '', kind: 'Service', namespace: 'shop', name: 'web' },
      conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message, observedGeneration: generation }],
    },
  ],
});
