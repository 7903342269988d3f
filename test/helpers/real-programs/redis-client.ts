/**
 * A client of Redis that reads as an event loop does: `redis-client.ts ADDRESS PORT`. Says what it got. With `stay` after
 * that, it waits in BLPOP on a connection that has had some traffic, says `begun`, and how it ends.
 */
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataOf, MB } from './data.ts';
import { RedisReplies, type Reply } from './redis-replies.ts';

const [host = '', port = '', mode] = process.argv.slice(2);

const main = async (): Promise<void> => {
  const first = new Client();
  const second = new Client();
  await Promise.all([first.warmUp(), second.warmUp()]);
  if (mode === 'stay') return stay(first);
  const results = {
    pipelined: await pipelined(first),
    large: await large(first),
    handedOver: await handedOver(first, second),
    published: await published(first, second),
  };
  console.log(JSON.stringify(results));
  process.exit();
};

class Client {
  readonly socket: Socket = connect(Number(port), host);
  readonly #waiting: PromiseWithResolvers<Reply>[] = [];
  /** Replies that nobody waits for. */
  readonly messages: Reply[] = [];

  constructor() {
    this.socket.setNoDelay();
    const replies = new RedisReplies((reply) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.messages.push(reply);
      else next.resolve(reply);
    });
    this.socket.on('data', (data) => replies.take(data));
  }

  /** Before it matters, so that the connection is one that can be joined, and has been looked at. */
  async warmUp(): Promise<void> {
    for (let at = 0; at < 100; at++) {
      await this.ask('PING');
      await sleep(3);
    }
  }

  ask(...words: readonly (string | Buffer)[]): Promise<Reply> {
    const waiting = Promise.withResolvers<Reply>();
    this.#waiting.push(waiting);
    this.socket.cork();
    this.socket.write(`*${words.length}\r\n`);
    for (const word of words) {
      this.socket.write(`$${Buffer.byteLength(word)}\r\n`);
      this.socket.write(word);
      this.socket.write('\r\n');
    }
    this.socket.uncork();
    return waiting.promise;
  }
}

const pipelined = async (client: Client): Promise<string> => {
  const data = dataOf(MB);
  const pieceOf = (at: number): Buffer => data.subarray(at * 11, at * 11 + ((at * 97) % 2000));
  const keys = Array.from({ length: 10_000 }, (_, at) => `piped:${at}`);
  const set = await Promise.all(keys.map((key, at) => client.ask('SET', key, pieceOf(at))));
  const got = await Promise.all(keys.map((key) => client.ask('GET', key)));
  return digest([...set, ...got]);
};

const large = async (client: Client): Promise<string> => {
  const replies = [];
  for (const size of [MB, 8 * MB, 5]) {
    replies.push(await client.ask('SET', 'large', dataOf(size)), await client.ask('GET', 'large'));
  }
  return digest(replies);
};

/** Each element comes while the other one waits for it. */
const handedOver = async (waiter: Client, giver: Client): Promise<string> => {
  const replies: Reply[] = [];
  for (let at = 0; at < 300; at++) {
    const waiting = waiter.ask('BLPOP', 'queue', '0');
    replies.push(await giver.ask('RPUSH', 'queue', dataOf(at * 10)), await waiting);
  }
  replies.push(await waiter.ask('BLPOP', 'queue', '0.1'));
  return digest(replies);
};

const published = async (subscriber: Client, publisher: Client): Promise<string> => {
  await subscriber.ask('SUBSCRIBE', 'news');
  const COUNT = 3000;
  await Promise.all(Array.from({ length: COUNT }, (_, at) => publisher.ask('PUBLISH', 'news', dataOf(at))));
  for (let tries = 0; subscriber.messages.length < COUNT && tries < 500; tries++) await sleep(10);
  return digest(subscriber.messages);
};

const digest = (replies: readonly Reply[]): string => {
  const hash = createHash('sha256');
  const add = (reply: Reply): void => {
    if (Array.isArray(reply)) reply.forEach(add);
    else hash.update(reply as Buffer).update('\n');
  };
  replies.forEach(add);
  return `${replies.length} ${hash.digest('hex')}`;
};

const stay = async ({ socket }: Client): Promise<void> => {
  socket.on('error', ({ code }: NodeJS.ErrnoException) => console.log(`error ${code}`));
  socket.on('close', () => process.exit());
  socket.on('end', () => console.log('end'));
  socket.write('BLPOP nothing 0\r\n', () => console.log('begun'));
};

await main();
