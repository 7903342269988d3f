import { createServer, type IncomingMessage } from 'node:http';

/** What an application answers: JSON under an HTTP status. */
export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** Who answers: the first words of every body. */
export interface Identity {
  readonly service: string;
  readonly version: string;
  readonly pod: string;
}

/** Serves JSON on every address of the pod, IPv4 and IPv6. Says so in a line; on SIGTERM ends what it began, then ends. */
export const serve = (
  identity: Identity,
  port: number,
  answer: (request: IncomingMessage) => Answer | Promise<Answer>,
): void => {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ ...identity, ...body })}\n`);
  });
  process.once('SIGTERM', () => server.close());
  server.listen(port, '::', () => process.stdout.write(`${identity.pod} listens on port ${port}\n`));
};

/** From the command line: `POD VERSION`. */
export const identify = (service: string): Identity => {
  const [pod = service, version = 'v1'] = process.argv.slice(2);
  return { service, version, pod };
};
