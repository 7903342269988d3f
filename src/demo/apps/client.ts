/**
 * Logs in again and again at a steady rate, over a new connection each time: `client URL RATE`.
 * Each line of standard input is the name of a window: what begins from now on is counted there. Standard output gets
 * lines of JSON with what was counted since the last one, a `Report`; the first one of a window says that it is open.
 * At the end of its input it ends what it began.
 */
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { json } from 'node:stream/consumers';
import { add, emptyTally, type Report, type Tally } from '../tally.ts';

const TICK_MS = 10;
const REPORT_EVERY_MS = 50;
const TIMEOUT_MS = 5000;
/** When answers stay away, waiting is all that a client can do. */
const IN_FLIGHT_MAX = 64;
const BODY = JSON.stringify({ name: 'ada' });

const [url = '', rate = '100'] = process.argv.slice(2);
const startedMs = performance.now();
const counted = new Map<string, Tally>();
let window = '';
let begun = 0;
let inFlight = 0;

const tick = (): void => {
  const due = Math.floor(((performance.now() - startedMs) / 1000) * Number(rate));
  // What could not begin in time is left out, not made up for: the rate is a ceiling.
  const room = Math.min(due - begun, IN_FLIGHT_MAX - inFlight);
  begun = due;
  for (let n = 0; n < room; n += 1) void logIn(window);
};

const logIn = async (begunIn: string): Promise<void> => {
  inFlight += 1;
  const tally = await connectAndAsk().catch(failure);
  inFlight -= 1;
  counted.set(begunIn, add(counted.get(begunIn) ?? emptyTally, tally));
};

interface LoginAnswer {
  readonly version: string;
  readonly error?: string;
  readonly register?: { readonly version: string };
}

const connectAndAsk = (): Promise<Tally> =>
  new Promise((resolve, reject) => {
    let peer = '';
    const sent = request(url, { method: 'POST', agent: false, timeout: TIMEOUT_MS }, (response) => {
      json(response).then((body) => resolve(success(response.statusCode, body as LoginAnswer, peer)), reject);
    });
    // getpeername(2), asked on the new connection.
    sent.on('socket', (socket) => socket.once('connect', () => (peer = socket.remoteAddress ?? 'none')));
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    sent.on('error', reject);
    sent.end(BODY);
  });

const success = (status: number | undefined, { version, register, error = '' }: LoginAnswer, peer: string): Tally => {
  if (status !== 200 || register === undefined) return failure({ code: `HTTP ${status} ${error}`.trim() });
  const login = { [version]: 1 };
  return { answered: 1, login, register: { [register.version]: 1 }, peers: { [peer]: 1 }, failed: {} };
};

const failure = (error: unknown): Tally => {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return { ...emptyTally, failed: { [code]: 1 } };
};

const report = (): void => {
  for (const [name, tally] of counted) {
    const line: Report = { window: name, tally };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  counted.clear();
};

const ticking = setInterval(tick, TICK_MS);
const reporting = setInterval(report, REPORT_EVERY_MS);
const input = createInterface({ input: process.stdin });
input.on('line', (name) => {
  window = name;
  counted.set(name, emptyTally);
  report();
});
input.on('close', () => {
  clearInterval(ticking);
  const ending = setInterval(() => {
    if (inFlight > 0) return;
    clearInterval(ending);
    clearInterval(reporting);
    report();
  }, TICK_MS);
});
