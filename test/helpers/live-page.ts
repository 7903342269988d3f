import type { Page } from 'playwright-core';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { createNode } from '../../src/demo/node.ts';
import type { Pod } from '../../src/demo/pod.ts';
import { type AgentProcess, startAgentProcess } from './agent-process.ts';
import { TestBrowser } from './browser.ts';
import { ObjectDirectory } from './object-directory.ts';
import { backend, endpoint, pod, route, service, slice } from './objects.ts';
import { openShell, type SocketShell } from './socket-shell.ts';
import { SERVER_PORT } from './stage.ts';

/** The live page of a real agent, in a real browser. */
export interface LivePage extends AsyncDisposable {
  readonly agent: AgentProcess;
  readonly browser: TestBrowser;
  /** A Pod of Deployment `checkout`. */
  readonly client: SocketShell;
  /** Behind the Services `web` and `web-canary`. */
  readonly pods: Readonly<Record<'stable' | 'canary', Pod>>;
  /** Of the canary, in percent, of what is asked of `web`: 10 at first. */
  share(percent: number): void;
  /** Another agent, once the one before has been stopped. */
  startAgent(): Promise<void>;
}

export const METRICS_ADDRESS = '127.0.0.1:10377';
export const PAGE = 'http://127.0.0.1:10378/';
export const WEB = '10.96.0.1';
/** Its endpoint listens nowhere. */
export const CLOSED = '10.96.0.3';
/** It has no endpoint. */
export const EMPTY = '10.96.0.4';

export const openLivePage = async (name: string): Promise<LivePage> => {
  await using opened = new AsyncDisposableStack();
  const node = await createNode({ name });
  opened.defer(() => node.close());
  const [own, stable, canary] = await Promise.all([
    node.addPod('client', { uid: 'u-client' }),
    node.addPod('stable'),
    node.addPod('canary'),
  ]);
  for (const each of [stable, canary]) await (await openShell(each)).serve('tcp', '*', SERVER_PORT, each.name);
  const client = await openShell(own);
  const objects = opened.use(new ObjectDirectory());
  objects.write('pods', pod({ name: 'client', cgroupUid: 'u-client', owner: 'Deployment/checkout' }));
  objects.write(
    'services',
    ...answered('web', WEB, stable),
    ...answered('web-canary', '10.96.0.2', canary),
    service({ name: 'closed', clusterIPs: [CLOSED] }),
    slice([endpoint(stable.address4)], { name: 'closed-1', service: 'closed', ports: [CLOSED_PORT] }),
    service({ name: 'empty', clusterIPs: [EMPTY] }),
  );
  const share = (percent: number): void =>
    objects.write('route', route({ backends: [weighed('web', 100 - percent), weighed('web-canary', percent)] }));
  share(10);
  let agent: AgentProcess;
  const startAgent = async (): Promise<void> => {
    const flags = ['--listen', METRICS_ADDRESS, '--ui', 'on'];
    agent = await startAgentProcess(node, { source: objects.path, flags }).ready();
  };
  await startAgent();
  opened.defer(() => agent[Symbol.asyncDispose]());
  const browser = opened.use(await TestBrowser.open(node));
  const closing = opened.move();
  return {
    get agent() {
      return agent;
    },
    ...{ browser, client, pods: { stable, canary }, share, startAgent },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
};

const CLOSED_PORT = { name: 'http', protocol: 'TCP', port: 1, nodePort: 0 } as const;

const answered = (name: string, clusterIP: string, { address4 }: Pod): readonly ClusterObject[] => [
  service({ name, clusterIPs: [clusterIP] }),
  slice([endpoint(address4)], { name: `${name}-1`, service: name }),
];

const weighed = (name: string, weight: number) => backend(name, { weight });

/** `shop/SERVICE/http/TCP`. */
export const place = (name: string): string => `${PAGE}#service=shop/${name}/http/TCP`;

export const text = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).textContent()) ?? '';
