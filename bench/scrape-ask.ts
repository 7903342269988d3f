import { connect } from 'node:net';

/**
 * `scrape-ask.ts PORT ADDRESS...`: one attempt at each, in a network where nothing can be reached: it is counted all the
 * same.
 */
const attempt = (host: string, port: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });

const [port, ...addresses] = process.argv.slice(2);
for (const address of addresses) await attempt(address, Number(port));
process.stdout.write('done\n');
