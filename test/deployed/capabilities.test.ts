import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { COUNT_MS } from '../../src/agent/live-sweep.ts';
import type { ServiceStats } from '../../src/dataplane/dataplane.ts';
import { retryUntil } from '../helpers/retry.ts';
import { openShell } from '../helpers/socket-shell.ts';
import { Machine } from './machine.ts';
import {
  type Agent,
  addClient,
  addServer,
  agentOfBase,
  CART,
  cart,
  fromFiles,
  unloadOfBase,
  without,
} from './scene.ts';

/** The agent with the DaemonSet's own security context: every capability is needed, and no other is. */

let machine: Machine;
let agent: Agent;
let server: string;

beforeEach(async () => {
  machine = await Machine.create('capabilities');
  server = await addServer(machine, 'v1');
  agent = fromFiles(agentOfBase(), machine, cart(server));
});

afterEach(() => machine[Symbol.asyncDispose]());

const READY = /"ready: everything/;
const HELD_ALREADY = /the kernel held everything already/;

describe('with the capabilities of the DaemonSet', () => {
  test('the agent sends connections of pods to endpoints, and restarts without a write', async () => {
    const ask = await addClient(machine);
    expect(await ask(CART.address, CART.port)).not.toBe('v1');
    const first = machine.run(agent.pod, agent.container);
    await first.wrote(READY);
    expect(await ask(CART.address, CART.port)).toBe('v1');

    expect(await first.stop()).toMatchObject({ status: 0 });
    expect(await ask(CART.address, CART.port)).toBe('v1');
    const second = machine.run(agent.pod, agent.container);
    await second.wrote(HELD_ALREADY);
    await second.wrote(READY);

    await second.kill();
    expect(await ask(CART.address, CART.port)).toBe('v1');
  });

  test('`shunt unload` of deploy/kustomize/unload waits for the agent to end, and leaves nothing', async () => {
    const running = machine.run(agent.pod, agent.container);
    await running.wrote(READY);
    const { pod, container } = unloadOfBase();
    expect(await machine.run(pod, container).ended).toMatchObject({
      status: 1,
      output: expect.stringContaining('SHUNT_E_LOCKED'),
    });
    await running.stop();
    expect(await machine.run(pod, container).ended).toMatchObject({
      status: 0,
      output: expect.stringContaining('removed program shunt_connect4'),
    });
    const again = await machine.run(pod, container).ended;
    expect(again.output).toContain('nothing of Shunt is loaded');
    const ask = await addClient(machine);
    expect(await ask(CART.address, CART.port)).not.toBe('v1');
  });

  test('SOCK_DESTROY, the way of kernels before 6.5, ends UDP sockets', async () => {
    expect(await probeSockDestroy(agent)).toEqual({ status: 0, output: 'true' });
  });
});

describe('without SYS_ADMIN', () => {
  test('the agent does not start', async () => {
    const { pod, container } = without(agent, 'SYS_ADMIN');
    const { status, output } = await machine.run(pod, container).ended;
    expect({ status, output }).toMatchObject({
      status: 1,
      output: expect.stringMatching(/EPERM.*[\s\S]*SHUNT_E_LOAD/),
    });
  });

  test('`shunt unload` takes nothing out', async () => {
    const running = machine.run(agent.pod, agent.container);
    await running.wrote(READY);
    await running.stop();
    const { pod, container } = without(unloadOfBase(), 'SYS_ADMIN');
    expect(await machine.run(pod, container).ended).toMatchObject({
      status: 1,
      output: expect.stringContaining('EPERM'),
    });
  });
});

test('without NET_ADMIN, SOCK_DESTROY ends nothing', async () => {
  expect((await probeSockDestroy(without(agent, 'NET_ADMIN'))).output).not.toBe('true');
});

test.each([
  { hostPID: true, whileItGoesOn: 4999, way: 'with the PID namespace of the node, while it goes on' },
  { hostPID: false, whileItGoesOn: 0, way: 'without it, when it ends' },
])('bytes of a long connection are counted $way', async ({ hostPID, whileItGoesOn }) => {
  const running = machine.run({ ...agent.pod, hostPID }, agent.container);
  await running.wrote(READY);
  const client = await openShell(await machine.node.addPod('client'));
  const socket = await client.socket('tcp4');
  await client.connect(socket, CART.address, CART.port);
  await client.recv(socket);
  await client.exchange(socket, 5000);
  const sent = async () => {
    const { output } = await running.exec('shunt', 'services', 'shop/cart', '-o', 'json');
    const { services } = JSON.parse(output) as { services: readonly { protocol: string; stats: ServiceStats }[] };
    return services.find(({ protocol }) => protocol === 'TCP')?.stats.bytesSent;
  };
  await delay(COUNT_MS + 500);
  expect(await sent()).toBe(whileItGoesOn);
  await client.closeSocket(socket);
  await retryUntil(async () => (await sent()) === 5000);
});

test('where the node has no BPF file system, the agent mounts none that would go with the container', async () => {
  machine.unmountBpffs();
  const { status, output } = await machine.run(agent.pod, agent.container).ended;
  expect({ status, output }).toMatchObject({ status: 1, output: expect.stringContaining('SHUNT_E_BPFFS') });
});

/** The agent's own way, tried on a socket of its own with the program for newer kernels left out. */
const PROBE = `
  const { openObject } = await import('/opt/shunt/dist/native/object.js');
  const { probeEndSockets } = await import('/opt/shunt/dist/native/socket.js');
  const { readFileSync } = await import('node:fs');
  const object = openObject(readFileSync('/opt/shunt/build/bpf/endings.bpf.o'), 'endings');
  for (const program of ['shunt_list_overflow', 'shunt_end_sockets']) object.setAutoload(program, false);
  object.load();
  console.log(probeEndSockets(object.map('endings')));
`;

const probeSockDestroy = ({ pod, container }: Agent) => {
  const command = ['/opt/shunt/node_modules/.bin/node', '--input-type=module', '--eval', PROBE];
  return machine.run(pod, { ...container, command, args: [] }).ended;
};
