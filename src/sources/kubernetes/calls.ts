import { refusal } from './answer.ts';
import type { Answer, Client, Exchange, WriteMethod } from './client.ts';
import { Ending } from './ending.ts';
import type { ReflectorClock } from './timing.ts';
import { Watchdog } from './watchdog.ts';

/** An object of the API as it is, with all that we do not know of it. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Requests for one object each. They resolve with the object that the server answers, and throw Ending: with the status
 * of an answer other than 2xx, or without one when no whole answer came in time.
 */
export class Calls {
  readonly #client: Client;
  readonly #clock: ReflectorClock;
  readonly #limitMs: number;
  readonly #exchanges = new Set<Exchange>();

  /** `limitMs`: for all of an answer, connecting included. */
  constructor(client: Client, clock: ReflectorClock, limitMs = LIMIT_MS) {
    this.#client = client;
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  get(path: string): Promise<Fields> {
    return this.#call((options) => this.#client.get(path, options));
  }

  send(method: WriteMethod, path: string, object: object): Promise<Fields> {
    const body = JSON.stringify(object);
    return this.#call((options) => this.#client.send(method, path, body, options));
  }

  /** Ends all that are under way. */
  abort(reason: Error): void {
    for (const exchange of this.#exchanges) exchange.abort(reason);
  }

  async #call(open: (options: { readonly freshToken: boolean }) => Exchange): Promise<Fields> {
    try {
      return await this.#once(open({ freshToken: false }));
    } catch (error) {
      // The kubelet has replaced the token, most likely.
      if (!(error instanceof Ending) || error.status !== 401) throw error;
      return this.#once(open({ freshToken: true }));
    }
  }

  async #once(exchange: Exchange): Promise<Fields> {
    this.#exchanges.add(exchange);
    const limit = new Watchdog(this.#clock, this.#limitMs, () =>
      exchange.abort(new Ending('stalled', `no answer within ${this.#limitMs / 1000} s`)),
    );
    try {
      const answer = await exchange.answer;
      if (answer.status < 200 || answer.status > 299) throw await refusal(answer, this.#clock.wallMs());
      return await readObject(answer);
    } catch (error) {
      exchange.abort(error as Error);
      if (error instanceof Ending) throw error;
      throw new Ending('unreachable', error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      limit.stop();
      this.#exchanges.delete(exchange);
    }
  }
}

const LIMIT_MS = 10_000;
/** More than etcd takes. */
const BYTES_MAX = 8 << 20;

const readObject = async ({ body }: Answer): Promise<Fields> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += (chunk as Buffer).length;
    if (bytes > BYTES_MAX) throw new Ending('bad_line', `the server sent more than ${BYTES_MAX} bytes`);
    chunks.push(chunk as Buffer);
  }
  const object: unknown = parsed(Buffer.concat(chunks).toString('utf8'));
  if (typeof object !== 'object' || object === null) throw new Ending('bad_line', 'the server sent no object');
  return object as Fields;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
