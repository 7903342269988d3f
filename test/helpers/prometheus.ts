import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { EmbeddedNode } from '../../src/demo/node.ts';
import { retryUntil } from './retry.ts';

/** A series of an answer. Prometheus writes numbers as text. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [atS: number, value: string];
}

export interface ScrapeTarget {
  readonly address: string;
  readonly node: string;
}

/** The real Prometheus in the network of a test node, where it scrapes one agent. It has our alerts as rules. */
export const startPrometheus = async (node: EmbeddedNode, target: ScrapeTarget): Promise<Prometheus> => {
  const directory = mkdtempSync(join(tmpdir(), 'shunt-prometheus-'));
  writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(configFor(target)));
  const flags = [
    `--config.file=${directory}/prometheus.yml`,
    `--storage.tsdb.path=${directory}/data`,
    `--web.listen-address=${ADDRESS}`,
    '--log.level=warn',
  ];
  const server = node.spawn('prometheus', flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  const asker = node.spawn(process.execPath, ['-e', ASKER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const prometheus = new Prometheus(server, asker, directory);
  await retryUntil(() => prometheus.query('up'), { timeoutMs: 15_000, intervalMs: 100 });
  return prometheus;
};

export class Prometheus implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];
  readonly #asker: ChildProcess;
  readonly #directory: string;
  readonly #waiting: PromiseWithResolvers<Answer>[] = [];

  constructor(server: ChildProcess, asker: ChildProcess, directory: string) {
    if (asker.stdout === null) throw new Error('who asks needs pipes');
    this.#children = [asker, server];
    this.#asker = asker;
    this.#directory = directory;
    createInterface({ input: asker.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
  }

  /** An instant vector. */
  async query(query: string): Promise<readonly Sample[]> {
    return (await this.ask<{ readonly result: readonly Sample[] }>('query', { query })).result;
  }

  /** Values of a label among the series that match. */
  labelValues(selector: string, label: string): Promise<readonly string[]> {
    return this.ask(`label/${label}/values`, { 'match[]': selector });
  }

  /** https://prometheus.io/docs/prometheus/latest/querying/api/ */
  async ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.push(waiting);
    this.#asker.stdin?.write(`http://${ADDRESS}/api/v1/${path}?${new URLSearchParams(parameters)}\n`);
    const { status, data, error } = await waiting.promise;
    if (status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
    return data as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

interface Answer {
  readonly status: string;
  readonly data: unknown;
  readonly error?: string;
}

/** In the network of the node. */
const ADDRESS = '127.0.0.1:9090';

const configFor = ({ address, node }: ScrapeTarget) => ({
  global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
  rule_files: [resolve('deploy/alerts/shunt.yaml')],
  scrape_configs: [{ job_name: 'shunt', static_configs: [{ targets: [address], labels: { node } }] }],
});

/** The test is in another network: this asks for it, one line for each question, in their order. */
const ASKER = `
  let last = Promise.resolve();
  require('node:readline').createInterface({ input: process.stdin }).on('line', (url) => {
    last = last.then(async () => {
      const answer = await fetch(url).then((response) => response.json()).catch((error) => ({ error: String(error) }));
      console.log(JSON.stringify(answer));
    });
  });
`;
