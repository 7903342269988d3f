import { fileURLToPath } from 'node:url';

/** What bench/Makefile builds. */
const built = (name: string): string => fileURLToPath(new URL(`../build/bench/${name}`, import.meta.url));

export const LOAD = built('load');
export const REQUESTS = built('requests');
export const STREAM = built('stream');
export const CONNECT4 = built('connect4');
export const CHOICE_OBJECT = built('choice.bpf.o');
export const BARE_OBJECT = built('bare.bpf.o');
