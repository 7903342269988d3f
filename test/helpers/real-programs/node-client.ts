/**
 * Asks node-server.ts, and says what it got: `node-client.ts ADDRESS PORT`. With a size after that, it reads an answer of
 * that size slowly on a connection that has had some traffic, says `begun`, and how it ends.
 */
import { createHash } from 'node:crypto';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataOf, MB } from './data.ts';
import { sha256 } from './program.ts';

const [host = '', port = '', size] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

const main = async (): Promise<void> => {
  if (size !== undefined) return stay(Number(size));
  const results = {
    keptAlive: await many(1500, (at) => ({ path: `/bytes/${(at * 37) % 5000}` })),
    large: await many(6, () => ({ path: `/bytes/${8 * MB}` })),
    chunked: await many(40, (at) => ({ path: `/chunked/${at * 10_000}` })),
    uploads: await uploads(),
    pipelined: await pipelined(),
    upgraded: await upgraded(),
    broken: await reset(),
  };
  agent.destroy();
  console.log(JSON.stringify(results));
};

const ask = (options: RequestOptions, body?: Buffer): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const asked = request({ host, port, agent, ...options }, resolve);
    asked.on('error', reject);
    if (options.headers === undefined || !('expect' in options.headers)) asked.end(body);
    else asked.on('continue', () => asked.end(body));
  });

const sumOf = async (answer: AsyncIterable<Buffer>): Promise<string> => {
  const hash = createHash('sha256');
  for await (const piece of answer) hash.update(piece);
  return hash.digest('hex');
};

/** One checksum of all answers, in the order of their questions. */
const many = async (count: number, options: (at: number) => RequestOptions): Promise<string> => {
  const sums = await Promise.all(Array.from({ length: count }, async (_, at) => sumOf(await ask(options(at)))));
  return sha256(sums.join());
};

const uploads = async (): Promise<readonly string[]> => {
  const answers = [];
  for (const size of [0, 1, 5000, 300_000, 8 * MB]) {
    const body = dataOf(size);
    const to = { path: '/sum', method: 'PUT' };
    answers.push(await text(await ask({ ...to, headers: { 'content-length': size } }, body)));
    answers.push(await text(await ask(to, body)));
    answers.push(await text(await ask({ ...to, headers: { 'content-length': size, expect: '100-continue' } }, body)));
  }
  return answers;
};

/** All questions at once, on a connection that has had some before. */
const pipelined = async (): Promise<string> => {
  const socket = connect(Number(port), host);
  const answered = sumOf(socket);
  for (let at = 0; at < 60; at++) {
    socket.write(`GET /bytes/${at} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await sleep(5);
  }
  for (let at = 0; at < 600; at++) socket.write(`GET /bytes/${at * 20} HTTP/1.1\r\nHost: a\r\n\r\n`);
  socket.write('GET /bytes/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  return answered;
};

/** What comes back: small messages one by one, then many bytes both ways at once. This end closes its half at last. */
const upgraded = async (): Promise<string> => {
  const socket = await new Promise<Socket>((resolve) => {
    const asked = request({ host, port, headers: { connection: 'upgrade', upgrade: 'echo' } });
    asked.on('upgrade', (_, each) => resolve(each));
    asked.end();
  });
  const hash = createHash('sha256');
  for (let at = 0; at < 300; at++) {
    socket.write(`message ${at}`);
    const answer = await new Promise<Buffer>((resolve) => {
      socket.once('data', resolve);
    });
    hash.update(answer);
    if (at % 3 === 0) await sleep(1);
  }
  const echoed = (async () => {
    for await (const piece of socket) hash.update(piece);
  })();
  socket.end(dataOf(8 * MB));
  await echoed;
  return hash.digest('hex');
};

/** Connections with some traffic are reset in the midst of an answer. Returns how many the server has noticed. */
const reset = async (): Promise<number> => {
  const before = await brokenAnswers();
  for (let round = 0; round < 5; round++) {
    const answer = await ask({ path: `/chunked/${20 * MB}` });
    answer.on('error', () => {});
    let length = 0;
    await new Promise<void>((resolve) => {
      answer.on('data', ({ length: more }) => {
        length += more;
        if (length > MB) resolve();
      });
    });
    answer.socket.resetAndDestroy();
  }
  for (let tries = 0; tries < 100; tries++) {
    const broken = (await brokenAnswers()) - before;
    if (broken >= 5) return broken;
    await sleep(20);
  }
  return 0;
};

const brokenAnswers = async (): Promise<number> => Number(await text(await ask({ path: '/broken' })));

const stay = async (bytes: number): Promise<void> => {
  agent.maxSockets = 1;
  for (let at = 0; at < 100; at++) {
    await text(await ask({ path: '/bytes/100' }));
    await sleep(3);
  }
  const answer = await ask({ path: `/chunked/${bytes}` });
  console.log('begun');
  answer.on('error', ({ code }: NodeJS.ErrnoException) => console.log(`error ${code}`));
  let length = 0;
  answer.on('end', () => console.log(`end after ${length} bytes`));
  answer.on('close', () => process.exit());
  let sleptAt = 0;
  answer.on('data', (data: Buffer) => {
    length += data.length;
    if (length - sleptAt < 65_536) return;
    sleptAt = length;
    answer.pause();
    setTimeout(() => answer.resume(), 20);
  });
};

await main();
