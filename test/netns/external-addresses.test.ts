import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { runCommand } from '../../src/demo/command.ts';
import { answersAt } from '../helpers/answers.ts';
import { fromManifest } from '../helpers/from-manifest.ts';
import { complaintLines } from '../helpers/objects.ts';
import { type RunningAgent, startAgent } from '../helpers/running-agent.ts';
import { type HammerKind, openShell, type SocketShell } from '../helpers/socket-shell.ts';
import { openStage, type Stage, serviceWith, slicesOf } from '../helpers/stage.ts';
import { inForm, serverOf, UDP_WAYS, WAYS } from '../helpers/ways.ts';

/**
 * Addresses of load balancers and `spec.externalIPs`, asked for from inside. They are those of a pod, which stands for
 * whatever has them in a real network: what Shunt leaves alone is answered there.
 */

const WEB = ['10.96.0.1', 'fd00:10:96::1'] as const;
const OUTSIDE = ['203.0.113.1', 'fd00:8::1'] as const;
const SECOND = ['203.0.113.2', 'fd00:8::2'] as const;
const KINDS: readonly HammerKind[] = ['tcp', 'udp', 'udp-unconnected'];

let stage: Stage<'client' | 'balancer' | 'v1' | 'v2'>;
let client: SocketShell;
let host: SocketShell;

beforeAll(async () => {
  stage = await openStage({
    name: 'external',
    clients: ['client', 'balancer'],
    servers: ['v1', 'v2'],
    objects: () => [],
  });
  client = stage.actors.client.shell;
  host = await openShell(stage.node);
  await giveAddresses();
  const { balancer } = stage.actors;
  for (const port of [80, 81])
    for (const kind of ['tcp', 'udp'] as const) await balancer.shell.serve(kind, '*', port, 'balancer');
});

afterAll(() => stage?.[Symbol.asyncDispose]());

/** The balancer has the addresses, and whoever asks finds it on the bridge. */
const giveAddresses = async (): Promise<void> => {
  const { client, balancer } = stage.actors;
  for (const address of [...OUTSIDE, ...SECOND]) {
    const bits = address.includes(':') ? 128 : 32;
    await ip(balancer.pod.netns, `address add ${address}/${bits} dev eth0${bits === 128 ? ' nodad' : ''}`);
    await ip(client.pod.netns, `route add ${address}/${bits} dev eth0`);
    await ip(stage.node.netns, `route add ${address}/${bits} dev bridge`);
  }
};

const ip = (netns: string, words: string): Promise<unknown> =>
  runCommand('giving an address', 'ip', ['-n', netns, ...words.split(' ')]);

const asked = async (shell: SocketShell, addresses: readonly string[], port = 80): Promise<readonly string[]> => {
  const names = new Set<string>();
  for (const address of addresses)
    for (const kind of KINDS)
      for (const name of await answersAt(stage, shell, address, { port, kind, count: 30 })) names.add(name);
  return [...names].sort();
};

/** As an API server shows it. */
const balanced = (ingress: readonly object[], spec: object = {}): ClusterObject =>
  fromManifest({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      type: 'LoadBalancer',
      clusterIP: WEB[0],
      clusterIPs: WEB,
      ports: [
        { name: 'tcp', protocol: 'TCP', port: 80 },
        { name: 'udp', protocol: 'UDP', port: 80 },
      ],
      ...spec,
    },
    status: { loadBalancer: { ingress } },
  });

const ingressOf = (addresses: readonly string[], ipMode?: string): readonly object[] =>
  addresses.map((address) => ({ ip: address, ...(ipMode === undefined ? {} : { ipMode }) }));

describe('addresses of a load balancer', () => {
  beforeEach(async () => {
    await stage.agent.remove(...serviceWith('web', [], []));
    await stage.agent.put(...slicesOf('web', [stage.actors.v1, stage.actors.v2]));
  });

  const SERVERS = ['v1', 'v2'];
  const BALANCER = ['balancer'];
  test.each([
    { what: 'without ipMode', ingress: ingressOf(OUTSIDE), who: SERVERS },
    { what: 'with ipMode VIP', ingress: ingressOf(OUTSIDE, 'VIP'), who: SERVERS },
    { what: 'with ipMode Proxy', ingress: ingressOf(OUTSIDE, 'Proxy'), who: BALANCER },
    {
      what: 'with loadBalancerSourceRanges',
      ingress: ingressOf(OUTSIDE),
      spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] },
      who: BALANCER,
    },
    {
      what: 'with externalTrafficPolicy Local, which is about clients from outside,',
      ingress: ingressOf(OUTSIDE),
      spec: { externalTrafficPolicy: 'Local' },
      who: SERVERS,
    },
    { what: 'that is known by its name only', ingress: [{ hostname: 'lb.example.com' }], who: BALANCER },
  ])('$what lead to $who', async ({ ingress, who, spec = {} }) => {
    await stage.agent.put(balanced(ingress, spec));
    expect(await asked(client, OUTSIDE)).toEqual(who);
    expect(await asked(host, OUTSIDE)).toEqual(who);
    // The cluster addresses are as ever, and ports that the Service does not have are not its business out there.
    expect(await asked(client, WEB)).toEqual(SERVERS);
    expect(await asked(client, OUTSIDE, 81)).toEqual(BALANCER);
  });

  test('follow ipMode, address by address, as it changes', async () => {
    const mixed = [...ingressOf(OUTSIDE, 'VIP'), ...ingressOf(SECOND, 'Proxy')];
    await stage.agent.put(balanced(mixed));
    expect([await asked(client, OUTSIDE), await asked(client, SECOND)]).toEqual([SERVERS, BALANCER]);
    await stage.agent.put(balanced([...ingressOf(OUTSIDE, 'Proxy'), ...ingressOf(SECOND)]));
    expect([await asked(client, OUTSIDE), await asked(client, SECOND)]).toEqual([BALANCER, SERVERS]);
    await stage.agent.put(balanced([]));
    expect([await asked(client, OUTSIDE), await asked(client, SECOND)]).toEqual([BALANCER, BALANCER]);
  });

  test('refuse while the Service has no endpoint', async () => {
    await stage.agent.put(balanced(ingressOf(OUTSIDE)), ...slicesOf('web', []));
    expect(await asked(client, OUTSIDE)).toEqual(['ECONNREFUSED']);
  });

  test.each(WAYS)('are the peer of a socket, by $way', async ({ kind, form }) => {
    await stage.agent.put(balanced(ingressOf(OUTSIDE)), ...slicesOf('web', [stage.actors.v1]));
    const address = inForm(OUTSIDE, form);
    const fd = await client.socket(kind);
    expect(await client.connect(fd, address, 80)).toEqual({ ok: true });
    expect(await client.getpeername(fd)).toEqual({ address, port: 80 });
    expect(await serverOf(client, fd, kind)).toBe('v1');
    await client.closeSocket(fd);
  });

  test.each(UDP_WAYS)('are where answers to datagrams come from, $kind to $form', async ({ kind, form }) => {
    await stage.agent.put(balanced(ingressOf(OUTSIDE)), ...slicesOf('web', [stage.actors.v1]));
    const address = inForm(OUTSIDE, form);
    const fd = await client.socket(kind);
    for (const receive of ['recvfrom', 'recvmsg'] as const) {
      expect(await client.sendto(fd, address, 80, 'x')).toEqual({ ok: true });
      expect(await client[receive](fd)).toEqual({ text: 'v1 x', address, port: 80 });
    }
    await client.closeSocket(fd);
  });
});

describe('spec.externalIPs', () => {
  const external = () =>
    serviceWith('ext', ['10.96.0.2', 'fd00:10:96::2'], [stage.actors.v1], { externalIPs: OUTSIDE });
  let other: RunningAgent | undefined;

  /** The agent of the stage stands still meanwhile: one at a time works on the tables of a node. */
  const restartWith = async (externalIPs: boolean): Promise<Stage<'client' | 'balancer' | 'v1' | 'v2'>> => {
    await (other ?? stage.agent).stop();
    other = await startAgent(stage.node, { externalIPs, objects: external() });
    return { ...stage, agent: other };
  };

  afterAll(() => other?.stop());

  test('are left alone unless they are turned on, over restarts and with a word about it', async () => {
    const NOTE = 'note: Service shop/ext spec.externalIPs: are left alone: --external-ips is off';
    for (const externalIPs of [false, true, false]) {
      const now = await restartWith(externalIPs);
      const who = externalIPs ? ['v1'] : ['balancer'];
      for (const kind of KINDS)
        for (const address of OUTSIDE)
          for (const shell of [client, host])
            expect(await answersAt(now, shell, address, { kind, count: 10 })).toEqual(who);
      expect(await answersAt(now, client, OUTSIDE[0], { port: 81, count: 3 })).toEqual(['balancer']);
      expect(complaintLines(now.agent.agent.complaints())).toEqual(externalIPs ? [] : [NOTE]);
    }
  });

  test('that are another Service’s cluster address do not lead its clients away', async () => {
    const now = await restartWith(true);
    const [victim, ...rest] = serviceWith('victim', ['10.96.0.3'], [stage.actors.v2]);
    const [thief] = serviceWith('ext', ['10.96.0.2', 'fd00:10:96::2'], [], { externalIPs: ['10.96.0.3'] });
    await now.agent.put(thief as ClusterObject);
    expect(await answersAt(now, client, '10.96.0.3')).toEqual(['v1']);
    await now.agent.put(victim as ClusterObject, ...rest);
    expect(await answersAt(now, client, '10.96.0.3')).toEqual(['v2']);
    expect(await answersAt(now, client, '10.96.0.2')).toEqual(['v1']);
  });
});
