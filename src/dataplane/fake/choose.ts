import { pick } from '../../core/plan/alias.ts';
import { algorithmOf } from '../../core/plan/choice.ts';
import { armsOf, HEADER_SLOTS, lookupOf, type RangeAt, readRange, takeTurn } from '../../core/plan/range.ts';
import type { FrontendWrite } from '../../core/plan/transaction.ts';
import type { Memory } from './memory.ts';
import type { FakeStats } from './stats.ts';

/** The backend of a new connection; undefined: refused. */
export const choose = (
  memory: Memory,
  stats: FakeStats,
  frontend: FrontendWrite,
  random32: number,
): number | undefined => {
  const words = readRange(memory, frontend);
  if (words === undefined) return undefined;
  const { service, slotCount } = frontend;
  if (!frontend.arms) return chooseBackend(memory, stats, service, frontend, random32);
  const arm = armsOf(words, slotCount)[pick(words, HEADER_SLOTS, slotCount, random32)];
  if (arm?.slotCount === 0) stats.countRejectedArm(arm.service);
  return arm && chooseBackend(memory, stats, arm.service, arm, scramble(random32));
};

/** The draw of the arm tells nothing of that of the endpoint. */
const scramble = (random32: number): number => {
  const mixed = Math.imul(random32 ^ (random32 >>> 16), 0x9e37_79b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b) >>> 0;
};

const chooseBackend = (
  memory: Memory,
  stats: FakeStats,
  service: number,
  at: RangeAt,
  random32: number,
): number | undefined => {
  const words = readRange(memory, at);
  if (words === undefined) return undefined;
  const algorithm = algorithmOf(memory.service(service).choice);
  const lookup = lookupOf(words, at.slotCount);
  if (algorithm === 'RoundRobin') return takeTurn(words, at.slotCount, stats.takeTurn(service));
  if (algorithm === 'Maglev' && lookup.length > 0) return lookup[random32 % lookup.length];
  return pick(words, HEADER_SLOTS, at.slotCount, random32);
};
