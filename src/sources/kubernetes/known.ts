/** What is known of an object: which one it is, and in which version it was told. */
export type Seen = 'same' | 'new' | 'changed' | 'recreated';

/**
 * Which objects were told, by namespace and name. There are tens of thousands, so uid and version are numbers in flat
 * arrays: 28 bytes for each object, beside its name.
 */
export class KnownObjects {
  readonly #byNamespace = new Map<string, Map<string, number>>();
  #size = 0;
  #used = 0;
  readonly #free: number[] = [];
  /** Four words of the uid, two of the version. */
  #words = new Uint32Array(FIRST * WORDS);
  #sweeps = new Uint32Array(FIRST);
  #sweep = 1;
  #seen = 0;

  get size(): number {
    return this.#size;
  }

  /** How many were seen since `beginSweep`. */
  get seen(): number {
    return this.#seen;
  }

  /** What it would change that the object exists in this version. */
  look(namespace: string, name: string, uid: string, version: string): Seen {
    const known = this.#byNamespace.get(namespace)?.get(name);
    if (known === undefined) return 'new';
    writeUid(uid);
    writeVersion(version);
    if (!this.#isUid(known)) return 'recreated';
    return this.#isVersion(known) ? 'same' : 'changed';
  }

  /** Notes that it does. */
  see(namespace: string, name: string, uid: string, version: string): void {
    const index = this.#byNamespace.get(namespace)?.get(name) ?? this.#add(namespace, name);
    writeUid(uid);
    writeVersion(version);
    this.#words.set(scratch, index * WORDS);
    if (this.#sweeps[index] !== this.#sweep) this.#seen++;
    this.#sweeps[index] = this.#sweep;
  }

  /** Each object that is known is a changed one at the next look. */
  forgetVersions(): void {
    for (let at = UID_WORDS; at < this.#words.length; at += WORDS) this.#words.fill(0, at, at + WORDS - UID_WORDS);
  }

  /** Whether this very object was known; it no longer is. */
  forget(namespace: string, name: string, uid: string): boolean {
    const known = this.#byNamespace.get(namespace)?.get(name);
    writeUid(uid);
    if (known === undefined || !this.#isUid(known)) return false;
    this.#remove(namespace, name, known);
    return true;
  }

  /** From now on each object must be seen again before `sweep`. */
  beginSweep(): void {
    this.#sweep++;
    this.#seen = 0;
  }

  /** Forgets those that were not seen since `beginSweep`, and names them. */
  sweep(): readonly (readonly [namespace: string, name: string])[] {
    const gone: [string, string][] = [];
    for (const [namespace, names] of this.#byNamespace) {
      for (const [name, known] of names) {
        if (this.#sweeps[known] !== this.#sweep) gone.push([namespace, name]);
      }
    }
    for (const [namespace, name] of gone) {
      this.#remove(namespace, name, this.#byNamespace.get(namespace)?.get(name) as number);
    }
    return gone;
  }

  #add(namespace: string, name: string): number {
    let names = this.#byNamespace.get(namespace);
    if (names === undefined) {
      names = new Map();
      this.#byNamespace.set(namespace, names);
    }
    const index = this.#free.pop() ?? this.#used++;
    if (index >= this.#sweeps.length) this.#grow();
    names.set(name, index);
    this.#size++;
    return index;
  }

  #remove(namespace: string, name: string, index: number): void {
    const names = this.#byNamespace.get(namespace);
    names?.delete(name);
    if (names?.size === 0) this.#byNamespace.delete(namespace);
    this.#sweeps[index] = 0;
    this.#free.push(index);
    this.#size--;
  }

  #grow(): void {
    const room = Math.ceil(this.#sweeps.length * GROWTH);
    const words = new Uint32Array(room * WORDS);
    words.set(this.#words);
    this.#words = words;
    const sweeps = new Uint32Array(room);
    sweeps.set(this.#sweeps);
    this.#sweeps = sweeps;
  }

  #isUid(index: number): boolean {
    const at = index * WORDS;
    const words = this.#words;
    return (
      words[at] === scratch[0] &&
      words[at + 1] === scratch[1] &&
      words[at + 2] === scratch[2] &&
      words[at + 3] === scratch[3]
    );
  }

  #isVersion(index: number): boolean {
    const at = index * WORDS + UID_WORDS;
    return this.#words[at] === scratch[UID_WORDS] && this.#words[at + 1] === scratch[UID_WORDS + 1];
  }
}

const FIRST = 256;
const GROWTH = 1.5;
const UID_WORDS = 4;
const WORDS = 6;

/** Of the object that is looked at: no list is made for each. */
const scratch = new Uint32Array(WORDS);

/** A UUID as it is. Anything else, which the API does not forbid, by a sum over it of the same size. */
const writeUid = (uid: string): void => {
  if (!UUID.test(uid)) {
    for (let word = 0; word < UID_WORDS; word++) scratch[word] = sum(uid, word);
    return;
  }
  scratch[0] = Number.parseInt(uid.slice(0, 8), 16);
  scratch[1] = Number.parseInt(uid.slice(9, 13) + uid.slice(14, 18), 16);
  scratch[2] = Number.parseInt(uid.slice(19, 23) + uid.slice(24, 28), 16);
  scratch[3] = Number.parseInt(uid.slice(28, 36), 16);
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A number up to 2^53 as it is; anything else by a sum over it. */
const writeVersion = (version: string): void => {
  const number = Number(version);
  if (Number.isSafeInteger(number) && String(number) === version) {
    scratch[UID_WORDS] = number % 2 ** 32;
    scratch[UID_WORDS + 1] = Math.floor(number / 2 ** 32);
    return;
  }
  scratch[UID_WORDS] = sum(version, 1);
  scratch[UID_WORDS + 1] = sum(version, 2) | TOP_BIT;
};

/** Numbers never have it. */
const TOP_BIT = 0x8000_0000;

/** FNV-1a, one of several. */
const sum = (text: string, which: number): number => {
  let value = 0x811c_9dc5 ^ Math.imul(which, 0x9e37_79b1);
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x0100_0193);
  return value >>> 0;
};
