import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { encodeFrontends } from '../../src/abi/codec.ts';
import { BPFFS, makeBpfRoot, removeBpfRoot } from '../../src/demo/bpffs.ts';
import { closeFd, pin } from '../../src/native/descriptor.ts';
import { openObject } from '../../src/native/object.ts';

const OBJECT = new URL('../../build/bpf/test/lookups.bpf.o', import.meta.url);
const KEYS = 256;
const MS = 3000;

const version = (number: number) =>
  encodeFrontends(
    Array.from({ length: KEYS }, (_, service) => ({
      address: `10.96.0.${service}`,
      port: 80,
      protocol: 'TCP',
      service,
      slotBase: number,
      slotCount: number,
      scope: 'cluster' as const,
    })),
  );

// Without the check of bpf/frontend.h some dozens of these look-ups give a value of another key.
test('a look-up never gives what belongs to another key, however fast entries are replaced', async () => {
  const directory = `${BPFFS}/lookups-${process.pid}`;
  await makeBpfRoot(directory);
  using object = openObject(new Uint8Array(readFileSync(OBJECT)), 'lookups');
  object.load();
  using frontends = object.map('frontends');
  const program = object.program('lookups');
  pin(program, `${directory}/program`);
  try {
    const versions = Array.from({ length: 64 }, (_, number) => version(number + 1));
    const write = (round: number): void => {
      const { keys, values } = versions[round % versions.length]!;
      frontends.update(keys, values, KEYS);
    };
    write(0);
    const worker = new Worker(new URL('../helpers/lookups.ts', import.meta.url), {
      workerData: { path: `${directory}/program`, ms: MS },
    });
    let done: Record<string, number> | undefined;
    const told = once(worker, 'message').then(([message]) => {
      done = message;
    });
    let rounds = 1;
    while (done === undefined) {
      for (let many = 0; many < 50; many++) write(rounds++);
      await new Promise(setImmediate);
    }
    await told;
    expect(rounds * KEYS).toBeGreaterThan(500_000);
    expect(done).toEqual({ right: expect.any(Number), foreign: 0, mixed: 0, torn: 0, absent: 0 });
    expect(done.right).toBeGreaterThan(1_000_000);
  } finally {
    await removeBpfRoot(directory);
    closeFd(program);
  }
});
