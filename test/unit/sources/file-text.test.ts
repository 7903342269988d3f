import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocument, stringify } from 'yaml';
import { readJson } from '../../../src/sources/file/json.ts';
import { type Piece, SyntaxProblem } from '../../../src/sources/file/piece.ts';
import { readYaml } from '../../../src/sources/file/yaml.ts';

const valuesOf = (pieces: Iterable<Piece>): readonly unknown[] => Array.from(pieces, ({ value }) => value);

/** `a@3`: name of the object, and the line that it is said to begin at. */
const placesOf = (pieces: Iterable<Piece>): readonly string[] =>
  Array.from(pieces, ({ value, line }) => `${(value as { name: string }).name}@${line}`);

const problemOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof SyntaxProblem) {
      return `${error.line}: ${error.message}`;
    }
    throw error;
  }
  return 'none';
};

const FIXTURE = readFileSync(new URL('../../fixtures/cluster.yaml', import.meta.url), 'utf8');

describe('YAML', () => {
  test.each([
    ['one object', 'name: a\n', ['a@1']],
    ['nothing', '', []],
    ['only comments', '# nothing\n---\n# here\n', []],
    ['documents', '---\nname: a\n---\n# b\nname: b\n---\n---\nname: c', ['a@2', 'b@5', 'c@8']],
    ['a marker with its object', '--- {name: a}\n--- {name: b}\n', ['a@1', 'b@2']],
    ['ended documents', 'name: a\n...\n---\nname: b\n...\n', ['a@1', 'b@4']],
    ['directives', '%YAML 1.2\n---\nname: a\n---\nname: b\n', ['a@3', 'b@5']],
    ['a list as kubectl writes it', 'kind: List\nitems:\n- name: a\n- name: b\n', ['a@3', 'b@4']],
    ['a list with the kind behind', 'items:\n# first\n- name: a\n\n- name: b\n  x: 1\nkind: List\n', ['a@3', 'b@5']],
    ['an indented list', 'kind: List\nitems:\n\n  - name: a\n    x:\n    - 1\n  # next\n  - name: b\n', ['a@4', 'b@8']],
    ['dashes on lines of their own', 'kind: List\nitems:\n-\n  name: a\n-\n  name: b\n', ['a@4', 'b@6']],
    ['CRLF', 'kind: List\r\nitems:\r\n- name: a\r\n- name: b\r\n', ['a@3', 'b@4']],
    ['a list in flow style', 'kind: List\nitems: [{name: a},\n  {name: b}]\n', ['a@2', 'b@3']],
    ['a list in JSON style', '{"kind": "List", "items": [\n{"name": "a"}]}\n', ['a@2']],
    ['an empty list', 'kind: List\nitems: []\n', []],
    ['a list in a list', 'kind: List\nitems:\n- kind: List\n  items:\n  - name: a\n- name: b\n', ['a@5', 'b@6']],
    ['anchors across items', 'kind: List\nitems:\n- &a\n  name: a\n- <<: *a\n  name: b\n', ['a@4', 'b@5']],
    ['lists in documents', 'kind: List\nitems:\n- name: a\n---\nkind: List\nitems:\n- name: b\n', ['a@3', 'b@7']],
    ['items that are no list of objects', 'name: a\nkind: Menu\nitems:\n- soup\n', ['a@1']],
    [
      'text that looks like a list',
      'kind: List\nitems:\n- name: a\n  text: |\n    items:\n    - name: x\n   # no\n- name: b\n',
      ['a@3', 'b@8'],
    ],
  ])('%s', (_, text, places) => {
    expect(placesOf(readYaml(text))).toEqual(places);
  });

  test('has the types of JSON: no dates, no other truth values', () => {
    const [value] = valuesOf(
      readYaml('date: 2026-11-22T22:51:17Z\nday: 2026-11-22\nyes: yes\nnumber: 0x10\nnone: ~\n'),
    );
    expect(value).toEqual({ date: '2026-11-22T22:51:17Z', day: '2026-11-22', yes: 'yes', number: 16, none: null });
  });

  test('tells the line of a field, of its parent when the field is absent', () => {
    const [, second] = readYaml(
      'kind: List\nitems:\n- name: a\n- name: b\n  spec:\n    ports:\n    - port: 1\n    - port: 2\n',
    );
    expect(second?.lineOf(['spec', 'ports', '1', 'port'])).toBe(8);
    expect(second?.lineOf(['spec', 'ports', '1', 'name'])).toBe(8);
    expect(second?.lineOf(['spec', 'type'])).toBe(5);
    expect(second?.lineOf([])).toBe(4);
  });

  test.each([
    ['a tab', 'a: 1\nb:\n\t- c\n', /^3: not YAML: /],
    ['an open bracket', 'a: 1\n---\nb: [1\n', /^(3|4): not YAML: /],
    ['a key twice', 'name: a\nspec: 1\nspec: 2\n', /^3: not YAML: Map keys must be unique/],
    [
      'a key twice in an item',
      'kind: List\nitems:\n- name: a\n- name: b\n  name: c\n',
      /^5: not YAML: Map keys must be unique/,
    ],
    ['items twice', 'kind: List\nitems:\n- name: a\nitems:\n- name: b\n', /^4: not YAML: Map keys must be unique/],
    ['an unknown alias', 'kind: List\nitems:\n- name: *nobody\n', /^3: not YAML: .*nobody/],
    ['an item out of line', 'kind: List\nitems:\n  - name: a\n - name: b\n', /^4: not YAML: /],
    ['an alias to what is around it', 'a: &a\n  b: *a\n', /^\d: not YAML: /],
  ])('with %s is refused with its line', (_, text, problem) => {
    expect(problemOf(() => valuesOf(readYaml(text)))).toMatch(problem);
  });

  test('cannot fill the memory with aliases', () => {
    const levels = 'abcdefghi'.split('').map((name, index, all) => {
      const of = index === 0 ? '"lol"' : `*${all[index - 1]}`;
      return `${name}: &${name} [${new Array(9).fill(of).join(',')}]`;
    });
    expect(problemOf(() => valuesOf(readYaml(levels.join('\n'))))).toMatch(/^1: not YAML: Excessive alias count/);
  });

  test('a list cut into items reads as the parser reads it whole', () => {
    const whole = parseDocument(FIXTURE).toJS() as { items: unknown[] };
    expect(valuesOf(readYaml(FIXTURE))).toEqual(whole.items);
  });

  test('whatever a list holds, cut or whole, from YAML or from JSON, is the same', () => {
    const item = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }).map((fields) => ({
      ...fields,
      kind: 'Thing',
    }));
    // Such a key merges in YAML, and in JSON is one like any other.
    const unmerged = item.filter((value) => !JSON.stringify(value).includes('"<<"'));
    fc.assert(
      fc.property(
        fc.array(unmerged, { maxLength: 4 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 4 }),
        (items, indentSeq, indent) => {
          const list = JSON.parse(JSON.stringify({ kind: 'List', items, metadata: { a: '\nitems:\n- b\n' } })) as {
            items: unknown[];
          };
          expect(valuesOf(readYaml(stringify(list, { indentSeq, lineWidth: 20 })))).toEqual(list.items);
          expect(valuesOf(readJson(JSON.stringify(list, null, indent)))).toEqual(list.items);
        },
      ),
    );
  });
});

describe('JSON', () => {
  test.each([
    ['one object', '\n{"name": "a"}\n', ['a@2']],
    ['a list', '{"kind": "List", "items": [\n{"name": "a"},\n\n {"name": "b"} ]\n}', ['a@2', 'b@4']],
    ['a list with the kind behind', '{"items": [{"name": "a"}],\n"kind": "List"}', ['a@1']],
    ['an empty list', '{"kind": "List", "items": [ ]}', []],
    ['a list in a list', '{"kind": "List", "items": [\n{"kind": "List", "items": [\n{"name": "a"}]}]}', ['a@3']],
    [
      'brackets and quotes in texts',
      '{"x": "]}\\"[", "kind": "List", "items": [{"name": "a", "y": "\\\\"},\n{"name": "b", "z": ["}"]}]}',
      ['a@1', 'b@2'],
    ],
  ])('%s', (_, text, places) => {
    expect(placesOf(readJson(text))).toEqual(places);
  });

  test('gives the items of a list of one kind that kind', () => {
    expect(valuesOf(readJson('{"apiVersion": "v1", "kind": "ServiceList", "items": [{"name": "a"}]}'))).toEqual([
      { apiVersion: 'v1', kind: 'Service', name: 'a' },
    ]);
  });

  test('tells the line of a field', () => {
    const [, second] = readJson(
      '{"kind": "List", "items": [{"name": "a"}, {\n"name": "b",\n"spec": {\n"ports": [{"port":\n1}]}}]}',
    );
    expect(second?.line).toBe(1);
    expect(second?.lineOf(['name'])).toBe(2);
    expect(second?.lineOf(['spec', 'ports', '0', 'port'])).toBe(4);
    expect(second?.lineOf(['spec', 'type'])).toBe(3);
  });

  test.each([
    ['nothing', ' \n ', /^2: not JSON: Unexpected end/],
    ['a cut object', '{"a": 1,\n"b": {\n', /^3: not JSON: /],
    ['a comma too many', '{\n"a": 1,\n}', /^3: not JSON: /],
    [
      'a broken item',
      '{"kind": "List", "items": [\n{"name": "a"},\n{"name": b}]}',
      /^3: not JSON: Unexpected token 'b'/,
    ],
    ['a comma too few', '{"kind": "List", "items": [\n{"name": "a"}\n{"name": "b"}]}', /^3: not JSON: /],
    ['an item too few', '{"kind": "List", "items": [\n{"name": "a"},\n]}', /^3: not JSON: /],
    ['a broken head', '{"kind": "List", "items": [],\n x}', /^2: not JSON: /],
    ['something behind', '{"kind": "List", "items": []}\n]', /^2: not JSON: /],
    ['a cut text', '{"kind": "List", "items": [{"a": "', /^1: not JSON: /],
  ])('with %s is refused with its line', (_, text, problem) => {
    expect(problemOf(() => valuesOf(readJson(text)))).toMatch(problem);
  });

  test('whatever is not JSON for JSON.parse is not JSON here, and the other way round', () => {
    const text = JSON.stringify({ kind: 'List', items: [{ a: '"' }, [1, -2.5e3], null, 'x\\'], b: { c: [] } });
    const mutation = fc.record({
      at: fc.nat(text.length),
      cut: fc.nat(3),
      put: fc.constantFrom('', '"', ',', ']', '}', '[', '{', '\\', ' ', '1'),
    });
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        const mutated = mutations.reduce((so, { at, cut, put }) => so.slice(0, at) + put + so.slice(at + cut), text);
        const isJson = problemOf(() => valuesOf(readJson(mutated))) === 'none';
        let expected = true;
        try {
          JSON.parse(mutated);
        } catch {
          expected = false;
        }
        expect(isJson).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});
