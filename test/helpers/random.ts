/** Random numbers that SEED repeats: mulberry32. */
export interface Random {
  /** 0 <= number < below. */
  readonly integer: (below: number) => number;
  readonly pick: <T>(values: readonly T[]) => T;
  /** With this probability. */
  readonly chance: (probability: number) => boolean;
}

export const createRandom = (seed: number = Number(process.env.SEED)): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (below: number): number => Math.floor(next() * below);
  return {
    integer,
    pick: (values) => values[integer(values.length)] as (typeof values)[number],
    chance: (probability) => next() < probability,
  };
};
