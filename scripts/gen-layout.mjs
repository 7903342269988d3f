/**
 * BTF of the kernel programs -> src/abi/layout.gen.ts and bpf/layout.gen.h: the offsets of every record of bpf/abi.h, its enums and constants,
 * and the tables of bpf/maps.h and bpf/same-node/tables.h. `--check` compares with the committed file and writes nothing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { inCheckout, publish } from './generated.mjs';

const RECORDS = 'build/bpf/abi.bpf.o';
const PROGRAMS = 'build/bpf/shunt.bpf.o';
const SAME_NODE_PROGRAMS = 'build/bpf/same-node.bpf.o';
/** Records of bpf/same-node/tables.h that only programs read: those of the next version find what these have left. */
const KEPT = ['candidate', 'flow', 'peer'];
const LAYOUT = 'src/abi/layout.gen.ts';
const NAME = 'bpf/layout.gen.h';

const main = () => {
  const records = readBtf(RECORDS);
  const structs = records.named('STRUCT').map((type) => describeStruct(records, type));
  const enums = records.named('ENUM').map(describeEnum);
  const maps = describeMaps(readBtf(PROGRAMS));
  const sameNode = readBtf(SAME_NODE_PROGRAMS);
  const isShared = ({ name }) => maps.some((map) => map.name === name);
  const sameNodeMaps = describeMaps(sameNode).filter((map) => !isShared(map));
  const kept = sameNode.named('STRUCT').filter(({ name }) => KEPT.includes(name));
  const ofPrograms = kept.map((type) => describeStruct(sameNode, type));
  const hash = hashOf([...structs, ...ofPrograms], enums, [...maps, ...sameNodeMaps]);
  publish({ [LAYOUT]: format(render(hash, structs, enums, maps, sameNodeMaps)), [NAME]: renderName(hash) });
};

/** The types of an object file by id, with what is needed to walk them. */
const readBtf = (path) => {
  const dump = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', inCheckout(path), 'format', 'raw'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const { types } = JSON.parse(dump);
  const byId = new Map(types.map((type) => [type.id, type]));
  const resolve = (id) => {
    const type = byId.get(id);
    return ['TYPEDEF', 'CONST', 'VOLATILE'].includes(type.kind) ? resolve(type.type_id) : type;
  };
  const sizeOf = (id) => {
    const type = resolve(id);
    if (type.kind === 'PTR') return 8;
    return type.kind === 'ARRAY' ? type.nr_elems * sizeOf(type.type_id) : type.size;
  };
  const named = (kind) => types.filter((type) => type.kind === kind && type.name !== '(anon)');
  return { byId, resolve, sizeOf, named };
};

const describeStruct = (btf, { name, size, members }) => ({
  name: name.toUpperCase(),
  size,
  fields: members.map((member) => {
    if (member.bits_offset % 8 !== 0 || member.bitfield_size) throw new Error(`${name}.${member.name} is a bit field`);
    if (member.name === 'size') throw new Error(`${name}.size would hide the size of the record`);
    const type = btf.resolve(member.type_id);
    return {
      name: camelCase(member.name),
      offset: member.bits_offset / 8,
      bytes: btf.sizeOf(member.type_id),
      ...(type.kind === 'ARRAY' && { count: type.nr_elems }),
    };
  }),
});

/** `enum connection_state { CONNECTION_FREE }` -> CONNECTION_STATE = { FREE }: members begin with the enum's first word. */
const describeEnum = ({ name, values }) => {
  const prefix = `${name.split('_')[0].toUpperCase()}_`;
  const members = values.map((value) => {
    if (!value.name.startsWith(prefix)) throw new Error(`enum ${name}: ${value.name} does not begin with ${prefix}`);
    return { name: value.name.slice(prefix.length), value: value.val };
  });
  return { name: name.toUpperCase(), members };
};

/**
 * By name: the object has them in the order of their first use, which says nothing. libbpf writes numbers as array lengths:
 * __uint(type, 1) is `int (*type)[1]`. A ring buffer has neither keys nor values.
 */
const describeMaps = (btf) => {
  const section = btf.named('DATASEC').find(({ name }) => name === '.maps');
  const variables = section.vars.map(({ type_id }) => btf.byId.get(type_id));
  return variables.toSorted(byName).map((variable) => {
    const members = new Map(btf.resolve(variable.type_id).members.map((member) => [member.name, member.type_id]));
    const pointed = (name) => btf.resolve(members.get(name)).type_id;
    const number = (name) => (members.has(name) ? btf.resolve(pointed(name)).nr_elems : 0);
    const sizeOf = (name) => (members.has(name) ? btf.sizeOf(pointed(name)) : 0);
    return {
      name: variable.name,
      type: number('type'),
      keySize: sizeOf('key'),
      valueSize: sizeOf('value'),
      flags: number('map_flags'),
      maxEntries: number('max_entries'),
    };
  });
};

const byName = (a, b) => (a.name < b.name ? -1 : 1);

const render = (hash, structs, enums, maps, sameNodeMaps) => `\
// Generated from bpf/abi.h, bpf/maps.h and bpf/same-node/tables.h by scripts/gen-layout.mjs. Do not edit: run \`make generate\`.

/** sha-256 of every record, constant and table below; the sizes that tables start with are left out. */
export const LAYOUT_HASH = '${hash}';

// Records: their size and the byte offset of each field; of arrays also the number of elements.
${structs.map(renderStruct).join('\n')}

// Enums and constants.
${enums.flatMap(renderEnum).join('\n')}

/** Tables by their names in the kernel. \`type\` and \`flags\` are those of bpf(2); \`maxEntries\` is a floor. */
export const MAPS = { ${maps.map(renderMap).join(', ')} } as const;

/** The same of bpf/same-node/tables.h. */
export const SAME_NODE_MAPS = { ${sameNodeMaps.map(renderMap).join(', ')} } as const;
`;

/** The agent sets this constant when it loads the object: one that was built of other records does not have it. */
const renderName = (hash) => `\
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generated from abi.h and maps.h by scripts/gen-layout.mjs. Do not edit: run \`make generate\`. */
#ifndef SHUNT_LAYOUT_GEN_H
#define SHUNT_LAYOUT_GEN_H

/* What this object was built of, in a name: an agent of other records finds no such constant. */
const volatile bool layout_${hash.slice(0, 12)} = false;

#endif
`;

const renderStruct = ({ name, size, fields }) => {
  const offsets = fields.flatMap((field) => [
    `${field.name}: ${field.offset}`,
    ...(field.count === undefined ? [] : [`${field.name}Count: ${field.count}`]),
  ]);
  return `export const ${name} = { ${[`size: ${size}`, ...offsets].join(', ')} } as const;`;
};

const renderEnum = ({ name, members }) => {
  if (name === 'CONSTANT') return members.map((member) => `export const ${member.name} = ${member.value};`);
  const values = members.map((member) => `${member.name}: ${member.value}`);
  const listed = members.filter((member) => member.name !== 'COUNT');
  const dense = listed.every((member, index) => member.value === index);
  return [
    `export const ${name} = { ${values.join(', ')} } as const;`,
    ...(dense ? [`export const ${name}_NAMES = [${listed.map(quotedName).join(', ')}] as const;`] : []),
  ];
};

const quotedName = ({ name }) => `'${name.toLowerCase()}'`;

const renderMap = ({ name, type, keySize, valueSize, flags, maxEntries }) =>
  `${name}: { type: ${type}, keySize: ${keySize}, valueSize: ${valueSize}, flags: ${flags}, maxEntries: ${maxEntries} }`;

const hashOf = (structs, enums, maps) => {
  const tables = maps.map(({ maxEntries: _, ...table }) => table);
  return createHash('sha256').update(JSON.stringify({ structs, enums, tables })).digest('hex');
};

const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

const format = (text) =>
  execFileSync(inCheckout('node_modules/.bin/biome'), ['format', `--stdin-file-path=${LAYOUT}`], {
    cwd: inCheckout('.'),
    encoding: 'utf8',
    input: text,
  });

main();
