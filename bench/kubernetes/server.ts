/**
 * A lean API server in a process of its own, which also looks at the tables that its events end up in: `server.ts SETTINGS`,
 * a JSON object. Its first line says where it is and whom to trust. Then each line is a number of events to send at a rate,
 * and the answer is how long each took to the kernel.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { makeCertificate } from '../../test/helpers/api-server/certificate.ts';
import { type BenchCluster, createCluster } from './cluster.ts';
import { sendEvents } from './events.ts';

export interface ServerSettings {
  readonly services: number;
  readonly endpointsPerService: number;
  /** Off: as servers before 1.32, which know no initial events of a watch. */
  readonly watchList: boolean;
}

export interface EventsOrder {
  readonly events: number;
  readonly perSecond: number;
  /** Where the agent's tables are pinned. */
  readonly bpfRoot: string;
}

const main = async (): Promise<void> => {
  const settings = JSON.parse(process.argv[2] ?? '') as ServerSettings;
  const cluster = createCluster(settings);
  const watches = new Map<string, ServerResponse>();
  const { key, certificate } = makeCertificate();
  const server = createServer({ key, cert: certificate, keepAlive: true }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://localhost');
    void answer(cluster, watches, { path: pathname, query: searchParams, watchList: settings.watchList }, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  say({ port: (server.address() as AddressInfo).port, ca: certificate });
  let version = cluster.version;
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as EventsOrder;
    const watch = watches.get('/apis/discovery.k8s.io/v1/endpointslices');
    if (watch === undefined) throw new Error('nobody watches EndpointSlices');
    say(await sendEvents(cluster, order, version, watch));
    version += order.events;
  }
  server.closeAllConnections();
  server.close();
};

interface Question {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly watchList: boolean;
}

const answer = async (
  { resources, version }: BenchCluster,
  watches: Map<string, ServerResponse>,
  { path, query, watchList }: Question,
  response: ServerResponse,
): Promise<void> => {
  const objects = resources[path];
  if (objects === undefined) return void response.writeHead(404).end('{"kind":"Status","code":404}');
  const isInitial = query.has('sendInitialEvents');
  if (isInitial && !watchList) return void response.writeHead(422).end('{"kind":"Status","code":422}');
  response.setHeader('content-type', 'application/json');
  const kind = path.split('/').at(-1) ?? '';
  if (query.get('watch') !== 'true') {
    const head = `{"kind":"${kind}","apiVersion":"v1","metadata":{"resourceVersion":"${version}"},"items":[`;
    await send(response, head, objects, (item, index) => [index === 0 ? '' : ',', item, '']);
    response.end(']}\n');
    return;
  }
  response.flushHeaders();
  if (isInitial) {
    await send(response, '', objects, (item) => ['{"type":"ADDED","object":', item, '}\n']);
    response.write(bookmark(version));
  }
  watches.set(path, response);
};

const bookmark = (version: number): string =>
  `${JSON.stringify({
    type: 'BOOKMARK',
    object: { metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } } },
  })}\n`;

/** In pieces, as fast as they are taken. */
const send = async (
  response: ServerResponse,
  head: string,
  items: readonly Buffer[],
  wrap: (item: Buffer, index: number) => readonly [string, Buffer, string],
): Promise<void> => {
  let parts: Buffer[] = [Buffer.from(head)];
  let size = 0;
  for (const [index, item] of items.entries()) {
    const [before, bytes, after] = wrap(item, index);
    parts.push(Buffer.from(before), bytes, Buffer.from(after));
    size += bytes.length;
    if (size < PIECE && index < items.length - 1) continue;
    if (!response.write(Buffer.concat(parts))) await once(response, 'drain');
    parts = [];
    size = 0;
  }
  if (parts.length > 0) response.write(Buffer.concat(parts));
};

const PIECE = 64 * 1024;

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

await main();
