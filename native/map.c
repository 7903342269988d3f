// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "descriptor.h"
#include "error.h"
#include "shim.h"

/* Sizes in bytes as they are in user space. */
struct shape {
	uint32_t key;
	uint32_t value;
};

static uint32_t value_stride(const struct bpf_map_info *info)
{
	switch (info->type) {
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
		return (info->value_size + 7) / 8 * 8 * libbpf_num_possible_cpus();
	default:
		return info->value_size;
	}
}

int shunt_map_fd_by_id(uint32_t id)
{
	int fd;

	error_clear();
	fd = bpf_map_get_fd_by_id(id);
	return fd < 0 ? fail(-errno, "open map %u", id) : fd;
}

int shunt_map_info(int fd, uint32_t *out)
{
	struct bpf_map_info info = {};
	int error;

	error_clear();
	error = describe(fd, KIND_MAP, &info, sizeof(info));
	if (error)
		return error;
	if (!out)
		return fail(-EINVAL, "map info: nowhere to write");
	out[0] = info.type;
	out[1] = info.key_size;
	out[2] = info.value_size;
	out[3] = info.max_entries;
	out[4] = info.map_flags;
	out[5] = info.id;
	out[6] = value_stride(&info);
	out[7] = 0;
	return 0;
}

int shunt_map_lookup(int fd, const void *key, void *value)
{
	error_clear();
	return bpf_map_lookup_elem(fd, key, value) ? fail(-errno, "look up in map") : 0;
}

static int get_shape(int fd, struct shape *shape)
{
	struct bpf_map_info info = {};
	int error = describe(fd, KIND_MAP, &info, sizeof(info));

	shape->key = info.key_size;
	shape->value = value_stride(&info);
	return error;
}

/*
 * -EINVAL also stands for a kernel before 5.6 and for flags (BPF_NOEXIST, BPF_EXIST) that only the
 * call for one element takes. If it was about the element, that call says so again.
 */
static bool lacks_batch(int error)
{
	return error == -ENOTSUPP || error == -EINVAL;
}

static int check_batch(const char *call, uint32_t n, bool pointers)
{
	if (n > INT_MAX)
		return fail(-EINVAL, "%s: %u elements at once", call, n);
	return n && !pointers ? fail(-EFAULT, "%s: no keys or no values", call) : 0;
}

static int outcome(const char *call, int error, uint32_t done, uint32_t n)
{
	if (error)
		fail(error, "%s element %u of %u", call, done + 1, n);
	return done ? (int)done : error;
}

/*
 * Kernels before 6.8 leave the count alone when they fail before the first element. A failure that
 * claims every element is such a one: it would not have been a failure.
 */
static uint32_t applied(int error, uint32_t done, uint32_t n)
{
	return error && done >= n ? 0 : done;
}

static int update_singly(int fd, const char *keys, const char *values, uint32_t n, uint64_t flags)
{
	struct shape shape;
	uint32_t done;
	int error = get_shape(fd, &shape);

	for (done = 0; !error && done < n; done += !error)
		error = bpf_map_update_elem(fd, keys + (size_t)done * shape.key,
					    values + (size_t)done * shape.value, flags);
	return outcome("update", error, done, n);
}

int shunt_map_update(int fd, const void *keys, const void *values, uint32_t n, uint64_t flags)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options, .elem_flags = flags);
	uint32_t done = n;
	int error;

	error_clear();
	error = check_batch("update", n, keys && values);
	if (error)
		return error;
	error = bpf_map_update_batch(fd, keys, values, &done, &options);
	done = applied(error, done, n);
	if (!done && lacks_batch(error))
		return update_singly(fd, keys, values, n, flags);
	return outcome("update", error, done, n);
}

static int delete_singly(int fd, const char *keys, uint32_t n)
{
	struct shape shape;
	uint32_t done;
	int error = get_shape(fd, &shape);

	for (done = 0; !error && done < n; done += !error)
		error = bpf_map_delete_elem(fd, keys + (size_t)done * shape.key);
	return outcome("delete", error, done, n);
}

int shunt_map_delete(int fd, const void *keys, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t done = n;
	int error;

	error_clear();
	error = check_batch("delete", n, keys);
	if (error)
		return error;
	error = bpf_map_delete_batch(fd, keys, &done, &options);
	done = applied(error, done, n);
	if (!done && lacks_batch(error))
		return delete_singly(fd, keys, n);
	return outcome("delete", error, done, n);
}

/*
 * A cursor's first byte is its state; from byte 8 on it holds where the kernel's batch call goes on
 * (a key in arrays, 4 bytes in hashes) or, one by one, the last key seen.
 */
#define CURSOR_POSITION 8

enum cursor_state {
	CURSOR_START = 0,
	CURSOR_BATCH,
	CURSOR_SINGLE_START,
	CURSOR_SINGLE,
	CURSOR_END,
};

static int read_singly(int fd, unsigned char *cursor, char *keys, char *values, uint32_t n)
{
	struct shape shape;
	uint32_t count = 0;
	int error = get_shape(fd, &shape);

	while (!error && count < n) {
		void *previous = *cursor == CURSOR_SINGLE ? cursor + CURSOR_POSITION : NULL;
		char *key = keys + (size_t)count * shape.key;

		error = bpf_map_get_next_key(fd, previous, key);
		if (error == -ENOENT)
			*cursor = CURSOR_END;
		if (error)
			break;
		memcpy(cursor + CURSOR_POSITION, key, shape.key);
		*cursor = CURSOR_SINGLE;
		error = bpf_map_lookup_elem(fd, key, values + (size_t)count * shape.value);
		if (!error)
			count++;
		else if (error == -ENOENT) /* an empty place of an array, or deleted meanwhile */
			error = 0;
	}
	if (count || *cursor == CURSOR_END)
		return count;
	return fail(error, "read map");
}

int shunt_map_read(int fd, void *cursor, void *keys, void *values, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	unsigned char *state = cursor;
	unsigned char *position = state + CURSOR_POSITION;
	uint32_t count = n;
	int error;

	error_clear();
	if (!cursor || !keys || !values || !n || n > INT_MAX)
		return fail(-EINVAL, "read map: no cursor, or no room for entries");
	if (*state == CURSOR_END)
		return 0;
	if (*state == CURSOR_SINGLE_START || *state == CURSOR_SINGLE)
		return read_singly(fd, state, keys, values, n);
	error = bpf_map_lookup_batch(fd, *state == CURSOR_BATCH ? position : NULL, position, keys,
				     values, &count, &options);
	if (!error || error == -ENOENT) {
		*state = error ? CURSOR_END : CURSOR_BATCH;
		return count;
	}
	if (*state == CURSOR_BATCH || !lacks_batch(error))
		return fail(error, "read map");
	*state = CURSOR_SINGLE_START;
	return read_singly(fd, state, keys, values, n);
}

int shunt_map_mmap(int fd, size_t length, int writable, uint64_t *address)
{
	void *memory;

	error_clear();
	if (!address)
		return fail(-EINVAL, "mmap: nowhere to write the address");
	memory = mmap(NULL, length, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
		      0);
	if (memory == MAP_FAILED)
		return fail(-errno, "mmap %zu bytes", length);
	*address = (uintptr_t)memory;
	return 0;
}

int shunt_munmap(uint64_t address, size_t length)
{
	error_clear();
	return munmap((void *)(uintptr_t)address, length) ? fail(-errno, "munmap") : 0;
}
