import type { IncomingMessage } from 'node:http';
import type { ObjectRequest } from './behaviour.ts';
import { apiVersionOf, type Metadata, type RawObject, RESOURCES, type ResourceName } from './resources.ts';
import { answerOf, type StatusAnswer, statusAnswer } from './status.ts';
import type { ObjectStore } from './store.ts';

export interface ObjectPlace extends Pick<ObjectRequest, 'method' | 'resource' | 'key' | 'isStatus'> {
  readonly apiVersion: string;
}

/** Of `.../namespaces/shop/tcproutes/web`, `.../web/status`, and for POST of `.../tcproutes`; undefined for all else. */
export const objectPlaceOf = (path: string, method: string): ObjectPlace | undefined => {
  const [, group = '', version = '', namespace, resource, name, status] =
    /^\/apis\/([^/]+)\/([^/]+)\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(\/status)?$/.exec(path) ?? [];
  const found = Object.values(RESOURCES).find((each) => each.name === resource && each.group === group);
  if (found === undefined || (name === undefined) !== (method === 'POST')) return undefined;
  return {
    method,
    resource: found.name as ResourceName,
    apiVersion: apiVersionOf(found, version),
    key: name === undefined ? `${namespace}/` : `${namespace}/${name}`,
    isStatus: status !== undefined,
  };
};

export const bodyOf = async (request: IncomingMessage): Promise<RawObject | undefined> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
};

/** As an API server reads, makes and replaces an object that has a status of its own. */
export const carryOut = (store: ObjectStore, asked: ObjectRequest, apiVersion: string): StatusAnswer => {
  const { method, resource, body } = asked;
  const shown = (object: RawObject, status = 200): StatusAnswer => answerOf({ ...object, apiVersion }, status);
  const key = method === 'POST' ? `${asked.key}${body?.metadata.name}` : asked.key;
  const there = store.get(resource, key);
  if (method === 'POST') {
    if (body === undefined) return refuse(400, 'BadRequest', 'no body');
    return there
      ? refuse(409, 'AlreadyExists', `${resource} "${key}" already exists`)
      : shown(store.put(resource, body), 201);
  }
  if (there === undefined) return refuse(404, 'NotFound', `${resource} "${key}" not found`);
  if (method === 'GET') return shown(there);
  if (method !== 'PUT' || body === undefined) return refuse(405, 'MethodNotAllowed', method);
  if (body.metadata.resourceVersion !== there.metadata.resourceVersion) {
    return refuse(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${resource} "${key}": the object has been modified`,
    );
  }
  if (asked.isStatus)
    return shown(changed(there, { ...there, status: body.status }) ? putStatus(store, asked, there) : there);
  // What is not the status is replaced; the version is the server's to give.
  const { resourceVersion: _, ...metadata } = body.metadata;
  return shown(store.put(resource, { ...body, status: there.status, metadata: metadata as Metadata }));
};

const putStatus = (store: ObjectStore, { resource, body }: ObjectRequest, there: RawObject): RawObject =>
  store.put(resource, { ...there, status: body?.status });

/** What changes nothing makes no new version. */
const changed = (before: RawObject, after: RawObject): boolean => JSON.stringify(before) !== JSON.stringify(after);

const refuse = (code: number, reason: string, message: string): StatusAnswer => statusAnswer(code, { reason, message });
