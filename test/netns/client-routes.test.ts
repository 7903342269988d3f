import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClusterObject } from '../../src/core/model/objects.ts';
import { backend, endpoint, parent, pod, policy, referenceGrant, route, service, slice } from '../helpers/objects.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShellIn } from '../helpers/shell-in-cgroup.ts';
import type { SocketShell } from '../helpers/socket-shell.ts';
import { expectShares, openTraffic, sharesOf, type Traffic } from '../helpers/traffic.ts';

/** Routes and policies for some clients alone. A client is known by the cgroup of its Pod, named as the kubelet names it. */

type Name = 'v1' | 'v2' | 'nobody';
const WEB = '10.96.0.1';
const V2 = '10.96.0.2';
const BURSTABLE = 'kubepods.slice/kubepods-burstable.slice';

let traffic: Traffic<Name>;
let clients: number;

beforeEach(async () => {
  traffic = await openTraffic<Name>('consumers', { clients: ['nobody'], servers: ['v1', 'v2'] });
  clients = 0;
  await mkdir(`${traffic.node.cgroup}/${BURSTABLE}`, { recursive: true });
  traffic.objects.write('services', ...services());
  await traffic.startAgent();
});

afterEach(() => traffic?.[Symbol.asyncDispose]());

const services = (): ClusterObject[] => [
  service({ clusterIPs: [WEB] }),
  slice([endpoint(traffic.actors.v1.pod.address4, { pod: 'v1' })]),
  service({ name: 'web-v2', clusterIPs: [V2] }),
  slice([endpoint(traffic.actors.v2.pod.address4, { pod: 'v2' })], { name: 'web-v2-1', service: 'web-v2' }),
];

const cgroupOf = (uid: string): string =>
  `${traffic.node.cgroup}/${BURSTABLE}/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice`;

/** A process in a container of a Pod: in its cgroup, as a runtime makes it, below that of the Pod. */
const startClient = async (uid: string): Promise<SocketShell> => {
  clients += 1;
  const place = await traffic.node.addPod(`client-${clients}`);
  return openShellIn(place, `${cgroupOf(uid)}/cri-containerd-${clients}.scope`);
};

const consumerPod = (name: string, uid: string, fields: Parameters<typeof pod>[0] = {}): ClusterObject =>
  pod({ namespace: 'test', name, cgroupUid: uid, addresses: [], ...fields });

/** Of the namespace `test`: its Pods alone get web-v2. */
const consumerRoute = (): ClusterObject[] => [
  route({ namespace: 'test', parents: [parent()], backends: [backend('web-v2')] }),
  referenceGrant({ namespace: 'shop', from: [{ kind: 'TCPRoute', namespace: 'test' }], services: ['*'] }),
];

const answers = (shell: SocketShell): Promise<string> => shell.whoAnswers('tcp', WEB, 80);

const UID = '0f3a1c5e-7d2b-4c8e-9a61-0123456789ab';
const OTHER_UID = '1b2c3d4e-0000-4000-8000-ba9876543210';

test('a route of another namespace binds the Pods of that namespace and nobody else', async () => {
  const [tester, other] = [await startClient(UID), await startClient(OTHER_UID)];
  await traffic.put('pods', consumerPod('tester', UID), consumerPod('other', OTHER_UID, { namespace: 'shop' }));
  await traffic.put('route', ...consumerRoute());
  await retryUntil(async () => (await answers(tester)) === 'v2');
  expect(await answers(other)).toBe('v1');
  expect(await answers(traffic.actors.nobody.shell)).toBe('v1');
  // What explain says of each is what each gets.
  for (const [shell, who] of [
    [tester, 'test/tester'],
    [other, 'shop/other'],
  ] as const) {
    await expectShares(shell, WEB, sharesOf(await traffic.explain(WEB, { client: who })), { count: 200 });
  }
  await expectShares(traffic.actors.nobody.shell, WEB, sharesOf(await traffic.explain(WEB)), { count: 200 });
  await traffic.remove('route');
  expect(await answers(tester)).toBe('v1');
});

test('a Pod is bound as soon as its cgroup is there, and no longer when that is gone', async () => {
  await traffic.put('pods', consumerPod('tester', UID));
  await traffic.put('route', ...consumerRoute());
  const first = await startClient(UID);
  await retryUntil(async () => (await answers(first)) === 'v2');
  await first.close();
  await rmdir(`${cgroupOf(UID)}/cri-containerd-1.scope`);
  await rmdir(cgroupOf(UID));
  await traffic.put('pods');
  // Nobody takes the place of a Pod that is gone: its name is another Pod's now.
  await traffic.put('pods', consumerPod('tester', OTHER_UID));
  const next = await startClient(OTHER_UID);
  await retryUntil(async () => (await answers(next)) === 'v2');
  expect(await answers(traffic.actors.nobody.shell)).toBe('v1');
});

test('a process that is moved into the cgroup of a Pod is one of its clients from then on', async () => {
  await startClient(UID);
  await traffic.put('pods', consumerPod('tester', UID));
  await traffic.put('route', ...consumerRoute());
  const { shell } = traffic.actors.nobody;
  expect(await answers(shell)).toBe('v1');
  await writeFile(`${cgroupOf(UID)}/cri-containerd-1.scope/cgroup.procs`, String(shell.process.pid));
  await retryUntil(async () => (await answers(shell)) === 'v2');
});

test('a policy narrows a route to clients with a label, and follows the labels', async () => {
  const [beta, stable] = [await startClient(UID), await startClient(OTHER_UID)];
  const pods = (labels: Readonly<Record<string, string>>): ClusterObject[] => [
    consumerPod('beta', UID, { namespace: 'shop', labels }),
    consumerPod('stable', OTHER_UID, { namespace: 'shop', labels: { track: 'stable' } }),
  ];
  await traffic.put('pods', ...pods({ track: 'beta' }));
  await traffic.put(
    'route',
    route({ backends: [backend('web-v2')] }),
    policy([], {
      name: 'beta-only',
      services: [],
      routes: [{ kind: 'TCPRoute', name: 'shares' }],
      clients: { matchLabels: { track: 'beta' }, matchExpressions: [] },
    }),
  );
  await retryUntil(async () => (await answers(beta)) === 'v2');
  expect(await answers(stable)).toBe('v1');
  expect(await answers(traffic.actors.nobody.shell)).toBe('v1');
  await traffic.put('pods', ...pods({ track: 'stable' }));
  expect(await answers(beta)).toBe('v1');
});

test('what a client keeps to by affinity before a route binds it does not hold it back', async () => {
  const tester = await startClient(UID);
  const [web, ...others] = services();
  await traffic.put('services', { ...web, affinityTimeoutS: 600 } as ClusterObject, ...others);
  await traffic.put('pods', consumerPod('tester', UID));
  expect(await answers(tester)).toBe('v1');
  await traffic.put('route', ...consumerRoute());
  await retryUntil(async () => (await answers(tester)) === 'v2');
  await traffic.remove('route');
  expect(await answers(tester)).toBe('v1');
});
