import { refusal } from './answer.ts';
import type { Answer, Client, Exchange } from './client.ts';
import { Ending } from './ending.ts';
import type { ReconnectCause } from './statistics.ts';
import type { ReflectorClock } from './timing.ts';
import { Watchdog } from './watchdog.ts';

/** An answer 200 that is read as it comes. */
export interface Reading {
  /** From now on it ends for this reason when no byte comes for so long. */
  limit(reason: ReconnectCause, ms: number): void;
  /** Calls with each piece of bytes, one after the other, until the answer ends. Throws why it ended early. */
  each(take: (chunk: Buffer) => Promise<void> | void): Promise<void>;
  abort(reason: Error): void;
}

/** The requests of one reflector. Whatever they throw says why they ended. */
export class Requests {
  readonly #client: Client;
  readonly #clock: ReflectorClock;
  readonly #exchanges = new Set<Exchange>();

  constructor(client: Client, clock: ReflectorClock) {
    this.#client = client;
    this.#clock = clock;
  }

  get server(): string {
    return this.#client.server;
  }

  /**
   * Throws Ending unless an answer 200 begins within `headersMs`. Otherwise calls with it; its connection is closed if
   * that throws.
   */
  async get(
    path: string,
    { headersMs, freshToken }: { readonly headersMs: number; readonly freshToken: boolean },
    read: (reading: Reading) => Promise<void>,
  ): Promise<void> {
    const exchange = this.#client.get(path, { freshToken });
    this.#exchanges.add(exchange);
    try {
      const answer = await this.#answer(exchange, headersMs);
      await this.#readBy(exchange, answer, read);
    } catch (error) {
      exchange.abort(error as Error);
      throw error;
    } finally {
      this.#exchanges.delete(exchange);
    }
  }

  abort(reason: Error): void {
    for (const exchange of this.#exchanges) exchange.abort(reason);
  }

  async #answer(exchange: Exchange, headersMs: number): Promise<Answer> {
    const limit = new Watchdog(this.#clock, headersMs, () =>
      exchange.abort(new Ending('stalled', `no answer within ${headersMs / 1000} s`)),
    );
    try {
      const answer = await exchange.answer;
      if (answer.status === 200) return answer;
      throw await refusal(answer, this.#clock.wallMs());
    } catch (error) {
      if (error instanceof Ending) throw error;
      throw new Ending('unreachable', messageOf(error), { cause: error });
    } finally {
      limit.stop();
    }
  }

  async #readBy(exchange: Exchange, { body }: Answer, read: (reading: Reading) => Promise<void>): Promise<void> {
    let watchdog: Watchdog | undefined;
    const reading: Reading = {
      abort: (reason) => exchange.abort(reason),
      limit: (reason, ms) => {
        watchdog?.stop();
        const message = `no byte came for ${ms / 1000} s`;
        watchdog = new Watchdog(this.#clock, ms, () => exchange.abort(new Ending(reason, message)));
      },
      each: async (take) => {
        for await (const chunk of pieces(body)) {
          watchdog?.touch();
          await take(chunk);
        }
      },
    };
    try {
      await read(reading);
    } finally {
      watchdog?.stop();
    }
  }
}

/** What the body itself throws: the connection was cut. */
async function* pieces(body: Answer['body']): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    throw error instanceof Ending ? error : new Ending('reset', messageOf(error), { cause: error });
  }
}

/** Of several addresses of one name, each was refused for a reason of its own. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
};
