/** The little that the page needs to make and keep elements. Text is always text: nothing is ever read as HTML. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;
type Child = Node | string;

export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] => {
  const made = document.createElement(name);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
};

export const svgElement = <Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
};

/** Those that are undefined go. What is the same already is left alone. */
export const setAttributes = (target: Element, attributes: Attributes): void => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) target.removeAttribute(name);
    else if (target.getAttribute(name) !== String(value)) target.setAttribute(name, String(value));
  }
};

/** What is the same already is left alone: screen readers and selections stay undisturbed. */
export const setText = (target: Element, text: string): void => {
  if (target.textContent !== text) target.textContent = text;
};

/** Throws when index.html has none. */
export const byId = <Type extends Element>(id: string, type: abstract new () => Type): Type => {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} #${id}`);
};

export interface Keyed<Item> {
  readonly keyOf: (item: Item) => string;
  readonly make: (item: Item) => Element;
  readonly update: (target: Element, item: Item) => void;
}

/** Children of `parent`, one for each item, in their order. Each stays the same element, so that focus stays where it is. */
export const keep = <Item>(parent: Element, items: readonly Item[], { keyOf, make, update }: Keyed<Item>): void => {
  const known = new Map(Array.from(parent.children, (child) => [child.getAttribute('data-key') ?? '', child]));
  const wanted = items.map((item) => {
    const key = keyOf(item);
    const target = known.get(key) ?? make(item);
    setAttributes(target, { 'data-key': key });
    update(target, item);
    known.delete(key);
    return target;
  });
  for (const gone of known.values()) gone.remove();
  for (const [index, target] of wanted.entries()) {
    const there = parent.children[index];
    if (there !== target) parent.insertBefore(target, there ?? null);
  }
  // Of two with one key only the later is known.
  while (parent.children.length > wanted.length) parent.lastElementChild?.remove();
};

/** Has `target` look as `fresh`, which is of its kind. Children are kept by their `data-key`, or else by their place. */
export const become = (target: Element, fresh: Element): void => {
  if (target === fresh) return;
  setAttributes(target, Object.fromEntries(Array.from(fresh.attributes, ({ name, value }) => [name, value])));
  const children = Array.from(fresh.children);
  if (children.length === 0) setText(target, fresh.textContent ?? '');
  else if (children[0]?.hasAttribute('data-key'))
    keep(target, children, { keyOf: keyIn, make: (child) => child, update: become });
  else for (const [index, child] of children.entries()) become(target.children[index] ?? child, child);
};

const keyIn = (child: Element): string => child.getAttribute('data-key') ?? '';

/** Calls with the width of an element, at once and whenever it is another. */
export const onWidth = (target: Element, call: (width: number) => void): void => {
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.round(target.getBoundingClientRect().width);
    if (width === 0 || width === last) return;
    last = width;
    call(width);
  }).observe(target);
};
