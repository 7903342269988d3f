import { parentPort, workerData } from 'node:worker_threads';
import { openPinned } from '../../src/native/descriptor.ts';
import { programRun } from '../../src/native/program.ts';

/** A thread that runs a pinned program of bpf/test/lookups.bpf.c over and over, and tells what it counted. */
const { path, ms } = workerData as { readonly path: string; readonly ms: number };
const context = new BigUint64Array(5);
const program = openPinned(path);
const endMs = performance.now() + ms;
while (performance.now() < endMs) programRun(program, new Uint8Array(context.buffer));
const [right, foreign, mixed, torn, absent] = [...context].map(Number);
parentPort?.postMessage({ right, foreign, mixed, torn, absent });
