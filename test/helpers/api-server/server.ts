import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Behaviour, type LoggedRequest, NORMAL, type ObjectRequest } from './behaviour.ts';
import { makeCertificate, ownCertificate } from './certificate.ts';
import { type BodyTrouble, type Fault, takeFault } from './fault.ts';
import { listingOf, sendListing } from './list.ts';
import { bodyOf, carryOut, type ObjectPlace, objectPlaceOf } from './object.ts';
import { Outlet } from './outlet.ts';
import { type Question, questionOf } from './question.ts';
import { apiVersionOf, RESOURCES, type ResourceName } from './resources.ts';
import {
  answerOf,
  bearerOf,
  forbidden,
  invalid,
  notFound,
  type StatusAnswer,
  statusAnswer,
  tooLarge,
  unauthorized,
} from './status.ts';
import { ObjectStore } from './store.ts';
import { streamWatch } from './watch.ts';

export interface ApiServerOptions extends Partial<Behaviour> {
  /** How many changes of each resource are remembered. */
  readonly historyMax?: number;
  /** Any free one if not given. */
  readonly port?: number;
}

/** A Kubernetes API server in this process, over TLS on the loopback, that fails as it is told to. */
export const startApiServer = async (options: ApiServerOptions = {}): Promise<ApiServer> => {
  const server = new ApiServer(options);
  await server.up(options.port ?? 0);
  return server;
};

export class ApiServer implements AsyncDisposable {
  readonly store: ObjectStore;
  readonly behaviour: Behaviour;
  /** Each is taken by the first request that it is meant for. */
  readonly faults: Fault[] = [];
  readonly requests: LoggedRequest[] = [];
  /** What was asked about whole groups, by name. */
  readonly groupRequests: string[] = [];
  readonly objectRequests: ObjectRequest[] = [];
  #certificate = ownCertificate();
  readonly #open = new Set<OpenAnswer>();
  readonly #sockets = new Map<Socket, number>();
  #server: Server | undefined;
  #port = 0;
  #connections = 0;

  constructor({ historyMax = 1000, port: _, ...behaviour }: ApiServerOptions) {
    this.store = new ObjectStore(historyMax);
    this.behaviour = { ...NORMAL, ...behaviour };
  }

  get port(): number {
    return this.#port;
  }

  /** What clients must trust. */
  get ca(): string {
    return this.#certificate.certificate;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** How many TCP connections there have been, and how many there are. */
  get connections(): { readonly total: number; readonly open: number } {
    return { total: this.#connections, open: this.#sockets.size };
  }

  /** In which it is served, the best first; none when it is not installed. */
  versionsOf(resource: ResourceName): readonly string[] {
    const { missing, served } = this.behaviour;
    return missing.includes(resource) ? [] : (served[resource] ?? RESOURCES[resource].versions);
  }

  /** Watches that are being served, stalled ones too, and were begun since then. */
  watches(resource?: ResourceName, sinceMs = 0): number {
    return this.#openWatches(resource).filter(({ atMs }) => atMs >= sinceMs).length;
  }

  /** Of these, those that wait for a version that the server does not have yet. */
  watchesAhead(resource?: ResourceName): number {
    return this.#openWatches(resource).filter(({ question }) => (question.version ?? 0) > this.store.version).length;
  }

  /** Something goes wrong with every watch of the resource, or of all, that is open now. */
  disturb(trouble: BodyTrouble, resource?: ResourceName): void {
    for (const { outlet } of this.#openWatches(resource)) outlet.strike(trouble);
  }

  /** An event that never happened, told to every watch of the resource that is open now. */
  tell(resource: ResourceName, type: string, object: object): void {
    for (const { outlet } of this.#openWatches(resource)) outlet.line(`${JSON.stringify({ type, object })}\n`);
  }

  /** Nobody listens any more, and every connection is reset. */
  async down(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets.keys()) socket.resetAndDestroy();
    await closed;
  }

  /** On the port that it had before. */
  async up(port = this.#port): Promise<void> {
    const { key, certificate } = this.#certificate;
    const server = createServer({ key, cert: certificate, keepAlive: true, keepAliveTimeout: 0, requestTimeout: 0 });
    server.on('connection', (socket: Socket) => this.#accept(socket));
    server.on('request', (request, response) => void this.#answer(request, response));
    server.on('tlsClientError', () => {});
    this.#server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** From the next `up` on the server shows another certificate. */
  renewCertificate(): void {
    this.#certificate = makeCertificate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.down();
  }

  #openWatches(resource: ResourceName | undefined): readonly OpenAnswer[] {
    return [...this.#open].filter(
      ({ question: { kind, ...question } }) =>
        (kind === 'watch' || kind === 'watchlist') && (resource === undefined || question.resource === resource),
    );
  }

  #accept(socket: Socket): void {
    this.#connections += 1;
    this.#sockets.set(socket, this.#connections);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const url = new URL(request.url ?? '/', this.url);
    const group = groupOf(url.pathname);
    if (group !== undefined) {
      this.groupRequests.push(group);
      return sendStatus(response, this.#groupAnswer(group, bearerOf(request.headers)));
    }
    const place = objectPlaceOf(url.pathname, request.method ?? 'GET');
    if (place !== undefined) return this.#answerObject(request, response, place);
    const question = questionOf(url);
    if (question === undefined || 'status' in question) return sendStatus(response, question ?? notFound());
    const transport = this.#transportOf(request);
    const logged: LoggedRequest = {
      resource: question.resource,
      version: question.apiVersion.split('/').at(-1) ?? '',
      kind: question.kind,
      parameters: Object.fromEntries(url.searchParams),
      token: bearerOf(request.headers),
      connection: transport.number,
      atMs: performance.now(),
      status: 0,
    };
    this.requests.push(logged);
    const refusal = this.#refuse(question, logged);
    if (refusal !== undefined) {
      logged.status = refusal.status;
      return sendStatus(response, refusal);
    }
    const fault = takeFault(this.faults, question.resource, question.kind) ?? this.behaviour.chaos?.(logged);
    if (fault?.trouble.kind === 'silence') return;
    if (fault?.trouble.kind === 'status') {
      logged.status = fault.trouble.status;
      return sendStatus(response, troubleAnswer(fault.trouble));
    }
    await this.#serve(question, logged, response, { fault, reset: () => transport.socket?.resetAndDestroy() });
  }

  async #serve(
    question: Question,
    logged: LoggedRequest,
    response: ServerResponse,
    { fault, reset }: { readonly fault: Fault | undefined; readonly reset: () => void },
  ): Promise<void> {
    const { version = 0, kind } = question;
    const isList = kind === 'list' || kind === 'peek';
    if (kind !== 'watch' && version > this.store.version) await this.#wait(version);
    if (kind !== 'watch' && version > this.store.version) {
      logged.status = 504;
      return sendStatus(response, tooLarge(version, this.store.version));
    }
    const listing = isList ? listingOf(this.store, question) : undefined;
    logged.status = listing !== undefined && 'status' in listing ? listing.status : 200;
    if (listing !== undefined && 'status' in listing) return sendStatus(response, listing);
    const { chunkBytesMax, bookmarkMs, bookmarksFromThePast, watchList } = this.behaviour;
    const outlet = new Outlet(response, { fault, chunkBytesMax, reset });
    const answer = { question, outlet, atMs: logged.atMs };
    this.#open.add(answer);
    response.on('close', () => this.#open.delete(answer));
    if (listing !== undefined) return sendListing(outlet, question, listing);
    const closingBookmark = watchList !== 'endless';
    await streamWatch(outlet, question, { store: this.store, bookmarkMs, bookmarksFromThePast, closingBookmark });
  }

  async #answerObject(request: IncomingMessage, response: ServerResponse, place: ObjectPlace): Promise<void> {
    const asked: ObjectRequest = {
      ...place,
      userAgent: request.headers['user-agent'] ?? '',
      body: await bodyOf(request),
      atMs: performance.now(),
      status: 0,
    };
    this.objectRequests.push(asked);
    const refusal = this.#refuseObject(place, bearerOf(request.headers));
    const trouble = refusal ?? this.behaviour.onObject?.(asked);
    if (trouble === 'silence') return;
    const answer =
      trouble === undefined || trouble === 'lost'
        ? carryOut(this.store, asked, place.apiVersion)
        : typeof trouble === 'number'
          ? statusAnswer(trouble, { reason: '', message: `the server says ${trouble}` })
          : trouble;
    asked.status = answer.status;
    if (trouble === 'lost') this.#transportOf(request).socket?.resetAndDestroy();
    else sendStatus(response, answer);
  }

  #refuseObject({ resource, method, apiVersion }: ObjectPlace, token: string | undefined): StatusAnswer | undefined {
    const { tokens, forbidden: denied } = this.behaviour;
    if (tokens !== undefined && !tokens.includes(token ?? '')) return unauthorized();
    const verb = VERBS[method];
    if (denied.some((each) => each.resource === resource && each.verb === verb)) {
      return forbidden(resource, RESOURCES[resource].group, verb ?? method);
    }
    return this.versionsOf(resource).some((version) => apiVersionOf(RESOURCES[resource], version) === apiVersion)
      ? undefined
      : notFound();
  }

  /** What the group has, in which versions. */
  #groupAnswer(group: string, token: string | undefined): StatusAnswer {
    const { tokens, groupsHidden } = this.behaviour;
    if (tokens !== undefined && !tokens.includes(token ?? '')) return unauthorized();
    if (groupsHidden) return forbidden('', group, 'get');
    const resources = Object.values(RESOURCES).filter((each) => each.group === group);
    const versions = new Set(resources.flatMap(({ name }) => this.versionsOf(name as ResourceName)));
    if (versions.size === 0) return notFound();
    const listed = [...versions].map((version) => ({ groupVersion: `${group}/${version}`, version }));
    return answerOf({ kind: 'APIGroup', apiVersion: 'v1', name: group, versions: listed, preferredVersion: listed[0] });
  }

  #refuse({ resource, kind }: Question, { token, version }: LoggedRequest): StatusAnswer | undefined {
    const { tokens, forbidden: denied, watchList } = this.behaviour;
    if (tokens !== undefined && !tokens.includes(token ?? '')) return unauthorized();
    const verb = kind === 'list' || kind === 'peek' ? 'list' : 'watch';
    // Whoever may not ask does not learn that there is nothing.
    if (denied.some((each) => each.resource === resource && each.verb === verb)) {
      return forbidden(resource, RESOURCES[resource].group, verb);
    }
    if (!this.versionsOf(resource).includes(version)) return notFound();
    if (kind !== 'watchlist' || watchList === 'on' || watchList === 'endless') return undefined;
    return watchList === 422
      ? invalid(WATCH_LIST_OFF)
      : statusAnswer(watchList, { reason: '', message: WATCH_LIST_OFF });
  }

  async #wait(version: number): Promise<void> {
    const endMs = performance.now() + this.behaviour.freshMs;
    while (version > this.store.version && performance.now() < endMs) await sleep(5);
  }

  /** The TCP socket below TLS, and its number. */
  #transportOf({ socket }: IncomingMessage): { readonly socket: Socket | undefined; readonly number: number } {
    const found = [...this.#sockets].find(([{ remotePort }]) => remotePort === socket.remotePort);
    return { socket: found?.[0], number: found?.[1] ?? 0 };
  }
}

interface OpenAnswer {
  readonly question: Question;
  readonly atMs: number;
  readonly outlet: Outlet;
}

const VERBS: Readonly<Record<string, string>> = { GET: 'get', POST: 'create', PUT: 'update' };

/** Of `/apis/gateway.networking.k8s.io`. */
const groupOf = (path: string): string | undefined => /^\/apis\/([^/]+)$/.exec(path)?.[1];

const WATCH_LIST_OFF =
  'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';

const sendStatus = (response: ServerResponse, { status, headers, body }: StatusAnswer): void => {
  response.writeHead(status, headers).end(body);
};

const troubleAnswer = ({ status, reason = '', retryAfter }: Extract<Fault['trouble'], { kind: 'status' }>) =>
  statusAnswer(
    status,
    { reason, message: `the server says ${status}` },
    retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  );
