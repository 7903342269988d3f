// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "shim.h"

/*
 * A handle is generation << INDEX_BITS | index. Closing raises the generation, so that a stale
 * handle is told from its successor at the same place; 0 is never one.
 */
#define INDEX_BITS 6
#define OBJECTS_MAX (1 << INDEX_BITS)
#define GENERATION_MAX ((1 << (31 - INDEX_BITS)) - 1)

struct entry {
	struct bpf_object *object; /* NULL: free */
	int generation;
	bool loaded; /* or tried to: libbpf loads an object once */
};

static struct entry entries[OBJECTS_MAX];
static pthread_mutex_t entries_lock = PTHREAD_MUTEX_INITIALIZER;

/* The entry with the lock held, until leave(); NULL, without it, for a handle that is not open. */
static struct entry *enter(int handle)
{
	struct entry *entry = &entries[handle & (OBJECTS_MAX - 1)];

	error_clear();
	pthread_mutex_lock(&entries_lock);
	if (handle > 0 && entry->object && entry->generation == handle >> INDEX_BITS)
		return entry;
	pthread_mutex_unlock(&entries_lock);
	fail(-EBADF, "object handle %d", handle);
	return NULL;
}

static int leave(int result)
{
	pthread_mutex_unlock(&entries_lock);
	return result;
}

static struct entry *free_entry(void)
{
	for (struct entry *entry = entries; entry < entries + OBJECTS_MAX; entry++)
		if (!entry->object)
			return entry;
	return NULL;
}

static int open_at(struct entry *entry, const void *bytes, size_t n, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);
	struct bpf_object *object;

	if (!entry)
		return fail(-EMFILE, "open object %s: %d are open", name, OBJECTS_MAX);
	object = bpf_object__open_mem(bytes, n, &options);
	if (!object)
		return fail(-errno, "open object %s", name);
	entry->object = object;
	entry->loaded = false;
	entry->generation = entry->generation % GENERATION_MAX + 1;
	return entry->generation << INDEX_BITS | (int)(entry - entries);
}

int shunt_object_open(const void *bytes, size_t n, const char *name)
{
	error_clear();
	if (!bytes || !n || !name)
		return fail(-EINVAL, "open object: no bytes or no name");
	pthread_mutex_lock(&entries_lock);
	return leave(open_at(free_entry(), bytes, n, name));
}

int shunt_object_close(int handle)
{
	struct entry *entry = enter(handle);

	if (!entry)
		return -EBADF;
	bpf_object__close(entry->object);
	entry->object = NULL;
	return leave(0);
}

/* As enter(), for what must happen before loading; on failure *error is set and no lock is held. */
static struct entry *enter_unloaded(int handle, const char *name, int *error)
{
	struct entry *entry = enter(handle);

	if (!entry)
		*error = -EBADF;
	else if (!name)
		*error = leave(fail(-EINVAL, "no name"));
	else if (entry->loaded)
		*error = leave(fail(-EBUSY, "%s: the object has been loaded", name));
	else
		return entry;
	return NULL;
}

static const struct btf_var_secinfo *find_constant(const struct bpf_object *object,
						   const char *name)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section, *variable;
	const struct btf_var_secinfo *place;
	int id;

	id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	if (id < 0)
		return NULL;
	section = btf__type_by_id(btf, id);
	place = btf_var_secinfos(section);
	for (int i = 0; i < btf_vlen(section); i++, place++) {
		variable = btf__type_by_id(btf, place->type);
		if (!strcmp(btf__name_by_offset(btf, variable->name_off), name))
			return place;
	}
	return NULL;
}

static int set_constant(struct bpf_object *object, const char *name, const void *bytes, size_t n)
{
	const struct btf_var_secinfo *place = find_constant(object, name);
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const void *before;
	size_t size;
	char *after;
	int error;

	if (!place || !map)
		return fail(-ENOENT, "constant %s", name);
	if (!bytes || place->size != n)
		return fail(-EINVAL, "constant %s: %zu bytes given, it has %u", name, n,
			    place->size);
	before = bpf_map__initial_value(map, &size);
	if (!before || (size_t)place->offset + n > size)
		return fail(-EINVAL, "constant %s: outside of its section", name);
	after = malloc(size);
	if (!after)
		return fail(-ENOMEM, "constant %s", name);
	memcpy(after, before, size);
	memcpy(after + place->offset, bytes, n);
	error = bpf_map__set_initial_value(map, after, size);
	free(after);
	return error ? fail(error, "constant %s", name) : 0;
}

int shunt_object_set_constant(int handle, const char *variable, const void *bytes, size_t n)
{
	int error;
	struct entry *entry = enter_unloaded(handle, variable, &error);

	return entry ? leave(set_constant(entry->object, variable, bytes, n)) : error;
}

static int set_map_size(struct bpf_object *object, const char *name, uint32_t max_entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	int error;

	if (!map)
		return fail(-ENOENT, "map %s", name);
	error = bpf_map__set_max_entries(map, max_entries);
	return error ? fail(error, "map %s: set size %u", name, max_entries) : 0;
}

int shunt_object_set_map_size(int handle, const char *map, uint32_t max_entries)
{
	int error;
	struct entry *entry = enter_unloaded(handle, map, &error);

	return entry ? leave(set_map_size(entry->object, map, max_entries)) : error;
}

static int set_autoload(struct bpf_object *object, const char *name, bool on)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	int error;

	if (!program)
		return fail(-ENOENT, "program %s", name);
	error = bpf_program__set_autoload(program, on);
	return error ? fail(error, "program %s: set autoload", name) : 0;
}

int shunt_object_set_autoload(int handle, const char *program, int on)
{
	int error;
	struct entry *entry = enter_unloaded(handle, program, &error);

	return entry ? leave(set_autoload(entry->object, program, on)) : error;
}

/* libbpf takes whatever map it is given; the verifier would then judge the programs by that one. */
static int check_same_kind(const struct bpf_map *map, const uint32_t *info)
{
	const struct {
		const char *name;
		uint32_t want, have;
	} fields[] = {
		{ "type", bpf_map__type(map), info[0] },
		{ "key size", bpf_map__key_size(map), info[1] },
		{ "value size", bpf_map__value_size(map), info[2] },
		{ "flags", bpf_map__map_flags(map), info[4] },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (fields[i].want != fields[i].have)
			return fail(-EINVAL, "map %s: its %s is %u, that of the map to reuse %u",
				    bpf_map__name(map), fields[i].name, fields[i].want,
				    fields[i].have);
	return 0;
}

static int reuse_map(struct bpf_object *object, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	uint32_t info[8];
	int error;

	if (!map)
		return fail(-ENOENT, "map %s", name);
	error = shunt_map_info(fd, info);
	if (!error)
		error = check_same_kind(map, info);
	if (error)
		return error;
	error = bpf_map__reuse_fd(map, fd);
	return error ? fail(error, "map %s: reuse", name) : 0;
}

int shunt_object_reuse_map(int handle, const char *map, int fd)
{
	int error;
	struct entry *entry = enter_unloaded(handle, map, &error);

	return entry ? leave(reuse_map(entry->object, map, fd)) : error;
}

int shunt_object_load(int handle)
{
	int error;
	struct entry *entry = enter_unloaded(handle, "load", &error);

	if (!entry)
		return error;
	entry->loaded = true;
	error = bpf_object__load(entry->object);
	if (error)
		error = fail(error, "load object %s", bpf_object__name(entry->object));
	return leave(error);
}

static int duplicate(int fd, const char *name)
{
	int copy;

	if (fd < 0)
		return fail(-EINVAL, "%s is not loaded", name);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? fail(-errno, "duplicate the descriptor of %s", name) : copy;
}

int shunt_object_map_fd(int handle, const char *map)
{
	struct entry *entry = enter(handle);
	const struct bpf_map *found;

	if (!entry)
		return -EBADF;
	found = map ? bpf_object__find_map_by_name(entry->object, map) : NULL;
	return leave(found ? duplicate(bpf_map__fd(found), map)
			   : fail(-ENOENT, "map %s", map ? map : "without a name"));
}

int shunt_object_program_fd(int handle, const char *program)
{
	struct entry *entry = enter(handle);
	const struct bpf_program *found;

	if (!entry)
		return -EBADF;
	found = program ? bpf_object__find_program_by_name(entry->object, program) : NULL;
	return leave(found ? duplicate(bpf_program__fd(found), program)
			   : fail(-ENOENT, "program %s", program ? program : "without a name"));
}
