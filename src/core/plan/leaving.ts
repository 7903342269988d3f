import type { DesiredEndpoint, DesiredPort } from '../model/desired.ts';
import type { Holdings } from './holdings.ts';
import { identityKey } from './identity.ts';
import { armIdentity, memberKey, type Place, placeOf } from './place.ts';

/**
 * By scope, variant and socket: keys of backends whose place has no more use for them. Another place may take them over, with their
 * counters and the clients that stick to them, if it differs by its arm alone: clients of one scope and variant may keep
 * to whatever answers there, through whatever arm.
 */
export type Leaving = ReadonlyMap<string, string[]>;

/** Of what is held and not planned yet. */
export const leavingOf = ({ arms, backends }: Holdings, want: DesiredPort): Leaving => {
  const leaving = new Map<string, string[]>();
  // Nearly everywhere: there is one place only for each scope and variant.
  if (arms.size === 0 && want.groups.every((group) => group.arms === undefined)) return leaving;
  const wanted = new Set(wantedKeys(want));
  for (const key of backends.keys()) {
    if (wanted.has(key)) continue;
    const moving = withoutArm(key);
    const known = leaving.get(moving);
    if (known === undefined) leaving.set(moving, [key]);
    else known.push(key);
  }
  return leaving;
};

/** Takes it out: it may be taken over once. */
export const takeLeaving = (leaving: Leaving, place: Place, endpoint: DesiredEndpoint): string | undefined =>
  leaving.get(withoutArm(memberKey(place, endpoint)))?.shift();

function* wantedKeys({ id, groups }: DesiredPort): Generator<string> {
  for (const group of groups) {
    if (group.addresses.length === 0) continue;
    for (const endpoint of group.endpoints) yield memberKey(placeOf(group), endpoint);
    for (const arm of group.arms ?? []) {
      const place = placeOf(group, identityKey(armIdentity(id, arm, group)));
      for (const endpoint of arm.endpoints) yield memberKey(place, endpoint);
    }
  }
}

const withoutArm = (key: string): string => {
  const [scope, variant, , ...socket] = key.split(' ');
  return [scope, variant, ...socket].join(' ');
};
