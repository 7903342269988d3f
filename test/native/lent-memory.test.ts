import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { LentMemory } from '../../src/dataplane/kernel/lent-memory.ts';
import { loadSample, u32, u64 } from './sample.ts';

describe('a table that is lent', () => {
  it('is mapped once for many turns of the event loop, given back a moment later, and lent again', async () => {
    using object = loadSample();
    using map = object.map('memory');
    map.update(u32(1), u64(7, 0), 1);
    // Records of a slot have the size of those in the sample.
    const lent = new LentMemory(map, 'slots');
    const memory = lent.look();
    for (let turn = 0; turn < 20; turn++) {
      await nextTurn();
      expect(lent.look()).toBe(memory);
    }
    expect(memory.words[4]).toBe(7);
    await vi.waitFor(() => expect(memory.words).toHaveLength(0));
    expect(lent.look().words[4]).toBe(7);
    lent.close();
  });
});
