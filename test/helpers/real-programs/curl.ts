import { rm, writeFile } from 'node:fs/promises';
import { ownCertificate } from '../api-server/certificate.ts';
import { dataOf, MB } from './data.ts';
import { type Command, run, sha256OfFile, sumOfFiles } from './program.ts';
import type { Scene } from './scene.ts';

/** What a server has, by the client's name for it. */
export interface Places {
  /** `http://ADDRESS:PORT` */
  readonly origin: string;
  /** About 1 KB, 100 KB, and some MB. */
  readonly small: string;
  readonly middle: string;
  readonly large: string;
  /** Where files are sent, a directory. */
  readonly upload: string;
}

/** Checksums and answers: many small ones and then large ones on the same connection, and files that are sent, some large. */
export const askByCurl = async (scene: Scene, { origin, small, middle, large, upload }: Places): Promise<unknown> => {
  const [few, many] = ['?[1-200]', '?[1-2000]'].map((range) => `${origin}${small}${range}`) as [string, string];
  const down = await curlTo(scene, 'down', [many, `${origin}${middle}?[1-60]`, `${origin}${large}`, few]);
  const sent = [];
  for (const size of UPLOADS) {
    const path = await writeUpload(scene, size);
    const to = ['--next', '-sS', '--fail', '-T', path, '-w', '%{http_code}\\n', `${origin}${upload}up-[1-2]-${size}`];
    sent.push(await curlTo(scene, 'up', [few, ...to]));
  }
  return { down, sent };
};

/**
 * The same over HTTP/2, with 40 streams at once in one connection, by TLS: this curl can use a connection but once where it
 * has prior knowledge. That is `clear`, an origin as well.
 */
export const askByCurlHttp2 = async (scene: Scene, places: Places & { readonly clear: string }): Promise<unknown> => {
  const { origin, small, middle, large, upload, clear } = places;
  const streams = [];
  for (const glob of [`${small}?[1-600]`, `${middle}?[1-150]`, `${large}?[1-2]`])
    streams.push(await askForStreams(scene, `${origin}${glob}`));
  const sent = [];
  for (const size of UPLOADS) {
    const path = await writeUpload(scene, size);
    const to = ['-T', path, '-w', '\n%{http_code} %{http_version}\n', `${origin}${upload}h2-[1-5]-${size}`];
    const answers = await run(scene.client, [...STREAMS, ...to]);
    sent.push(answers.split('\n').toSorted());
  }
  return { streams, sent, clear: await curlTo(scene, 'clear', ['--http2-prior-knowledge', `${clear}${large}`]) };
};

const STREAMS: Command = ['curl', '-sS', '--fail', '-k', '--http2', '-Z', '--parallel-max', '40'];

/** What was said of each answer, and checksums of them all. */
const askForStreams = async ({ client, directory }: Scene, glob: string): Promise<unknown> => {
  const path = `${directory}/streams`;
  const write = ['--create-dirs', '-o', `${path}/#1`, '-w', '%{http_code} %{http_version} %{size_download}\n'];
  const lines = await run(client, [...STREAMS, ...write, glob]);
  const summed = await sumOfFiles(path);
  await rm(path, { recursive: true });
  return { lines: [...new Set(lines.split('\n'))], ...summed };
};

/** Of more than a MB curl asks first, by `Expect: 100-continue`. */
const UPLOADS = [0, 1000, 2 * MB, 8 * MB];

/** `certificate.pem` and `key.pem`, of nobody that anybody knows. */
export const writeCertificate = async ({ directory }: Scene): Promise<void> => {
  const { certificate, key } = ownCertificate();
  await writeFile(`${directory}/certificate.pem`, certificate);
  await writeFile(`${directory}/key.pem`, key);
};

const writeUpload = async ({ directory }: Scene, size: number): Promise<string> => {
  const path = `${directory}/upload-${size}`;
  await writeFile(path, dataOf(size));
  return path;
};

const curlTo = async ({ client, directory }: Scene, name: string, args: readonly string[]): Promise<string> => {
  const path = `${directory}/${name}`;
  await run(client, ['sh', '-c', 'exec curl -sS --fail "$@" >"$0"', path, ...args]);
  return sha256OfFile(path);
};
