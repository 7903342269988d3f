import type { Identity } from './transaction.ts';

/**
 * 64-bit hash of a port's id: two 32-bit lanes of multiply and xor over its UTF-16 code units, each finished and
 * crossed with the other as in MurmurHash3. It lies in kernel memory over restarts and upgrades: changing it makes every
 * Service look new to the next agent.
 *
 * Two ids may collide, by chance or by intent. That costs the second one a rewrite after a restart and nothing else,
 * because a running agent tells ports apart by id (see `Have.ports`).
 */
export const identityOf = (id: string): Identity => {
  let one = 0xdeadbeef;
  let two = 0x41c6ce57;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x9e3779b1);
    two = Math.imul(two ^ unit, 0x5f356495);
  }
  const first = finish(one) ^ mix(two, 15, 0xc2b2ae3d);
  const second = finish(two) ^ mix(first, 15, 0xc2b2ae3d);
  return [first >>> 0, second >>> 0];
};

const finish = (lane: number): number => mix(mix(lane, 16, 0x85ebca6b), 13, 0xc2b2ae35);

const mix = (lane: number, shift: number, factor: number): number => Math.imul(lane ^ (lane >>> shift), factor);

/** As the key of a Map. */
export const identityKey = ([first, second]: Identity): string => `${hex(first)}${hex(second)}`;

const hex = (word: number): string => word.toString(16).padStart(8, '0');
