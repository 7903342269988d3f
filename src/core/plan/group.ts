import type { ChoiceRule, DesiredArm, DesiredEndpoint, DesiredGroup } from '../model/desired.ts';
import { SLOT_WORDS } from './alias.ts';
import { choiceField, hasLookup, isSameChoice } from './choice.ts';
import { takeIndex, takeSlots } from './draft.ts';
import { frontendKey, nextGeneration } from './have.ts';
import type { HeldRange, PlannedArm } from './holdings.ts';
import { identityKey } from './identity.ts';
import { takeLeaving } from './leaving.ts';
import { type MaglevMember, maglev } from './maglev.ts';
import { armIdentity, memberKey, type Place, placeOf } from './place.ts';
import type { Planning } from './port.ts';
import { type Arm, type RangeAt, rangeOf, rangeOfArms } from './range.ts';
import type { BackendWrite, Identity } from './transaction.ts';

/** The range of a group; groups of one place with the same list share one. */
export const planGroup = (planning: Planning, group: DesiredGroup): RangeAt => {
  const { holds, want } = planning;
  const place = placeOf(group);
  const planned = holds.planned.get(place) ?? new Map<readonly unknown[], RangeAt>();
  holds.planned.set(place, planned);
  const list = group.arms ?? group.endpoints;
  const known = planned.get(list);
  if (known !== undefined) return known;
  const own = ownRange(planning, group);
  const range =
    group.arms === undefined
      ? planRange(planning, place, { ...group, choice: want.choice }, own)
      : planArms(planning, group, group.arms, own);
  planned.set(list, range);
  return range;
};

/** Where the first address of the group leads now. */
const ownRange = ({ draft, holds, want }: Planning, group: DesiredGroup): HeldRange | undefined => {
  const { addresses, port, client } = group;
  const [address = ''] = addresses;
  const { protocol } = want;
  const key = { address, port, protocol, ...(client && { client: client.cgroup }) };
  const held = draft.have.frontends.get(frontendKey(key));
  return held === undefined ? undefined : holds.ranges.get(held.slotBase);
};

/** `listed`: see `Listed`. */
interface Answering extends Pick<DesiredGroup, 'endpoints' | 'listed'> {
  readonly choice: ChoiceRule | undefined;
}

const planRange = (
  planning: Planning,
  place: Place,
  { endpoints, listed, choice }: Answering,
  own: HeldRange | undefined,
): RangeAt => {
  if (endpoints.length === 0) return NOWHERE;
  const members = planMembers(planning, place, endpoints);
  const words = rangeOf(members, hasLookup(choice) ? maglev(members, listed) : undefined);
  return { slotBase: planSlots(planning, words, own), slotCount: members.length };
};

const NOWHERE: RangeAt = { slotBase: 0, slotCount: 0 };

/** The ranges of the arms are written before the one that leads to them. */
const planArms = (
  planning: Planning,
  group: DesiredGroup,
  wanted: readonly DesiredArm[],
  own: HeldRange | undefined,
): RangeAt => {
  const { ranges } = planning.holds;
  const before = new Map(own?.arms.map(({ service, slotBase }) => [service, ranges.get(slotBase)]));
  const arms = wanted.map((arm): Arm & { weight: number } => {
    const identity = armIdentity(planning.want.id, arm, group);
    const { service, choice } = planArmService(planning, arm, identity);
    const place = placeOf(group, identityKey(identity));
    const { slotBase, slotCount } = planRange(planning, place, { ...arm, choice }, before.get(service));
    return { service, slotBase, slotCount, weight: arm.weight };
  });
  if (arms.length === 0) return NOWHERE;
  return { slotBase: planSlots(planning, rangeOfArms(arms), own), slotCount: arms.length, arms: true };
};

/** Stays for as long as the port has an arm of that identity. The first group that names it tells how it chooses. */
const planArmService = ({ draft, holds }: Planning, { id, choice }: DesiredArm, identity: Identity): PlannedArm => {
  const key = identityKey(identity);
  const known = holds.plannedArms.get(key);
  if (known !== undefined) return known;
  const held = holds.arms.get(key);
  holds.arms.delete(key);
  const index = held?.index ?? takeIndex(draft, 'services');
  if (held === undefined || !isSameChoice(held.choice, choice)) {
    const generation = held?.generation ?? nextGeneration(draft.have.tables.serviceGeneration(index));
    draft.services.push({ index, identity, generation, affinityTimeoutS: 0, ...choiceField(choice) });
  }
  const planned = { service: index, id, choice };
  holds.plannedArms.set(key, planned);
  return planned;
};

/**
 * A backend that stays keeps its index, and with it its counters and the clients that stick to it. Sorted by index:
 * equal sets give equal slots, in whatever order the endpoints come.
 */
const planMembers = (planning: Planning, place: Place, endpoints: readonly DesiredEndpoint[]): MaglevMember[] => {
  const { draft, holds } = planning;
  const members = endpoints.map((endpoint): MaglevMember => {
    const { address, port, weight } = endpoint;
    const key = memberKey(place, endpoint);
    const known = holds.members.get(key);
    if (known !== undefined) return { index: known, weight, address, port };
    const held = takeHeld(planning, place, endpoint);
    if (held !== undefined && held.weight !== weight) draft.weights.push({ index: held.index, weight });
    const index = held?.index ?? addBackend(planning, endpoint);
    holds.members.set(key, index);
    return { index, weight, address, port };
  });
  return members.sort((one, other) => one.index - other.index);
};

/** Its own, or one that another place gives up: a share that comes or goes takes nothing from the endpoints behind it. */
const takeHeld = ({ holds, leaving }: Planning, place: Place, endpoint: DesiredEndpoint): BackendWrite | undefined => {
  const own = memberKey(place, endpoint);
  const key = holds.backends.has(own) ? own : takeLeaving(leaving, place, endpoint);
  if (key === undefined) return undefined;
  const held = holds.backends.get(key);
  holds.backends.delete(key);
  return held;
};

const addBackend = ({ draft, want, service }: Planning, { address, port, weight }: DesiredEndpoint): number => {
  const { protocol } = want;
  const index = takeIndex(draft, 'backends');
  const generation = nextGeneration(draft.have.tables.backendGeneration(index));
  draft.backends.push({ index, address, port, protocol, generation, weight, service });
  return index;
};

/**
 * Where a range begins. Keeps one that says the same already, its own before another; else writes another one, for the
 * old may be read at this moment.
 */
const planSlots = ({ draft, holds }: Planning, words: Uint32Array, own: HeldRange | undefined): number => {
  const isSame = (held: HeldRange): boolean => holds.ranges.has(held.base) && areEqual(held.words, words);
  const kept = own !== undefined && isSame(own) ? own : [...holds.ranges.values()].find(isSame);
  if (kept !== undefined) {
    holds.ranges.delete(kept.base);
    return kept.base;
  }
  const base = takeSlots(draft, words.length / SLOT_WORDS);
  draft.slots.push({ base, words });
  return base;
};

const areEqual = (one: Uint32Array, other: Uint32Array): boolean =>
  one.length === other.length && one.every((word, at) => word === other[at]);
