// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "test.h"

/* 8 bytes and a key of 4, but 12 at least. */
#define CURSOR_SIZE 12

/* The map of a fresh object of its own; closed with shunt_close(). */
static int open_map(const char *name)
{
	int handle = load_sample();
	int fd = shunt_object_map_fd(handle, name);

	CHECK(fd >= 0);
	CHECK_IS(shunt_object_close(handle), 0);
	return fd;
}

static int open_large_table(uint32_t size)
{
	int handle = open_sample("sample");
	int fd;

	CHECK_IS(shunt_object_set_map_size(handle, "table", size), 0);
	CHECK_IS(shunt_object_load(handle), 0);
	fd = shunt_object_map_fd(handle, "table");
	CHECK_IS(shunt_object_close(handle), 0);
	return fd;
}

static void info_describes_a_map(void)
{
	uint32_t info[8];
	int fd = open_map("memory");

	CHECK_IS(shunt_map_info(fd, info), 0);
	CHECK_IS(info[0], BPF_MAP_TYPE_ARRAY);
	CHECK_IS(info[1], 4);
	CHECK_IS(info[2], 16);
	CHECK_IS(info[3], 4);
	CHECK_IS(info[4], BPF_F_MMAPABLE);
	CHECK(info[5] > 0);
	CHECK_IS(info[6], 16);
	CHECK_IS(shunt_map_info(fd, NULL), -EINVAL);
	CHECK_IS(shunt_close(fd), 0);
	CHECK_IS(shunt_map_info(fd, info), -EBADF);
	CHECK_IS(shunt_map_info(-1, info), -EBADF);
	CHECK_IS(shunt_map_info(0, info), -EINVAL);
	CHECK_SAYS("descriptor 0 is");
}

static void a_map_is_found_by_its_id(void)
{
	uint32_t info[8], again[8];
	int fd = open_map("table");
	int found;

	CHECK_IS(shunt_map_info(fd, info), 0);
	found = shunt_map_fd_by_id(info[5]);
	CHECK(found >= 0 && found != fd);
	CHECK_IS(shunt_map_info(found, again), 0);
	CHECK_IS(again[5], info[5]);
	CHECK_IS(shunt_close(found), 0);
	CHECK_IS(shunt_close(fd), 0);
	CHECK_IS(shunt_map_fd_by_id(UINT32_MAX), -ENOENT);
}

static void entries_are_written_looked_up_and_deleted(void)
{
	const uint32_t keys[] = { 1, 2, 3 };
	const uint64_t values[] = { 10, 20, 30 };
	uint64_t value = 0;
	int fd = open_map("table");

	CHECK_IS(shunt_map_update(fd, keys, values, 3, BPF_ANY), 3);
	CHECK_IS(shunt_map_lookup(fd, &keys[1], &value), 0);
	CHECK_IS(value, 20);
	CHECK_IS(shunt_map_delete(fd, keys, 2), 2);
	CHECK_IS(shunt_map_lookup(fd, &keys[1], &value), -ENOENT);
	CHECK_IS(shunt_map_lookup(fd, &keys[2], &value), 0);
	CHECK_IS(value, 30);
	CHECK_IS(shunt_close(fd), 0);
}

static void an_update_of_a_full_table_tells_how_many_were_applied(void)
{
	const uint32_t keys[] = { 1, 2, 3, 4, 5, 6 };
	const uint64_t values[] = { 1, 2, 3, 4, 5, 6 };
	uint64_t value;
	int fd = open_map("table");

	CHECK_IS(shunt_map_update(fd, keys, values, 6, BPF_ANY), 4);
	CHECK_SAYS("update element 5 of 6: Argument list too long");
	CHECK_IS(shunt_map_lookup(fd, &keys[3], &value), 0);
	CHECK_IS(shunt_map_lookup(fd, &keys[4], &value), -ENOENT);
	CHECK_IS(shunt_map_update(fd, keys + 4, values + 4, 2, BPF_ANY), -E2BIG);
	CHECK_SAYS("update element 1 of 2");
	CHECK_IS(shunt_close(fd), 0);
}

static void a_delete_stops_at_the_first_absent_key(void)
{
	const uint32_t keys[] = { 1, 2, 7, 3 };
	const uint64_t values[] = { 1, 2, 7, 3 };
	uint64_t value;
	int fd = open_map("table");

	CHECK_IS(shunt_map_update(fd, keys, values, 4, BPF_ANY), 4);
	CHECK_IS(shunt_map_delete(fd, keys + 2, 1), 1);
	CHECK_IS(shunt_map_delete(fd, keys, 4), 2);
	CHECK_SAYS("delete element 3 of 4: No such file");
	CHECK_IS(shunt_map_lookup(fd, &keys[3], &value), 0);
	CHECK_IS(shunt_map_delete(fd, keys, 1), -ENOENT);
	CHECK_IS(shunt_close(fd), 0);
}

/* The kernel's batch call takes no BPF_NOEXIST: this is the way one by one. */
static void flags_of_single_updates_work_on_many(void)
{
	const uint32_t keys[] = { 1, 2, 3 };
	const uint64_t values[] = { 1, 2, 3 };
	int fd = open_map("table");

	CHECK_IS(shunt_map_update(fd, &keys[2], &values[2], 1, BPF_NOEXIST), 1);
	CHECK_IS(shunt_map_update(fd, keys, values, 3, BPF_NOEXIST), 2);
	CHECK_SAYS("update element 3 of 3: File exists");
	CHECK_IS(shunt_map_update(fd, keys, values, 3, BPF_NOEXIST), -EEXIST);
	CHECK_IS(shunt_map_update(fd, keys, values, 3, BPF_EXIST), 3);
	CHECK_IS(shunt_map_update(fd, keys, values, 3, 1 << 30), -EINVAL);
	CHECK_IS(shunt_close(fd), 0);
}

static void an_array_entry_out_of_range_stops_an_update(void)
{
	const uint32_t keys[] = { 3, 4 };
	const uint64_t values[] = { 1, 1, 2, 2 };
	int fd = open_map("memory");

	CHECK_IS(shunt_map_update(fd, keys, values, 2, BPF_ANY), 1);
	CHECK_IS(shunt_map_update(fd, keys + 1, values + 2, 1, BPF_ANY), -E2BIG);
	CHECK_IS(shunt_map_delete(fd, keys, 2), -EINVAL);
	CHECK_IS(shunt_close(fd), 0);
}

static void nothing_to_do_is_done(void)
{
	int fd = open_map("table");

	CHECK_IS(shunt_map_update(fd, NULL, NULL, 0, BPF_ANY), 0);
	CHECK_IS(shunt_map_delete(fd, NULL, 0), 0);
	CHECK_IS(shunt_close(fd), 0);
}

static void missing_memory_is_refused(void)
{
	uint32_t key = 0;
	char cursor[CURSOR_SIZE] = {};
	int fd = open_map("table");

	CHECK_IS(shunt_map_update(fd, NULL, &key, 1, BPF_ANY), -EFAULT);
	CHECK_IS(shunt_map_update(fd, &key, NULL, 1, BPF_ANY), -EFAULT);
	CHECK_IS(shunt_map_update(fd, &key, &key, UINT32_MAX, BPF_ANY), -EINVAL);
	CHECK_IS(shunt_map_delete(fd, NULL, 1), -EFAULT);
	CHECK_IS(shunt_map_lookup(fd, NULL, NULL), -EFAULT);
	CHECK_IS(shunt_map_read(fd, NULL, &key, &key, 1), -EINVAL);
	CHECK_IS(shunt_map_read(fd, cursor, NULL, &key, 1), -EINVAL);
	CHECK_IS(shunt_map_read(fd, cursor, &key, NULL, 1), -EINVAL);
	CHECK_IS(shunt_map_read(fd, cursor, &key, &key, 0), -EINVAL);
	CHECK_IS(shunt_close(fd), 0);
}

static void descriptors_that_are_no_map_are_refused(void)
{
	uint32_t key = 0;
	uint64_t value = 0, address;
	char cursor[CURSOR_SIZE] = {};

	CHECK_IS(shunt_map_update(-1, &key, &value, 1, BPF_ANY), -EBADF);
	CHECK_IS(shunt_map_update(0, &key, &value, 1, BPF_ANY), -EINVAL);
	CHECK_IS(shunt_map_delete(-1, &key, 1), -EBADF);
	CHECK_IS(shunt_map_lookup(-1, &key, &value), -EBADF);
	CHECK_IS(shunt_map_read(-1, cursor, &key, &value, 1), -EBADF);
	CHECK_IS(shunt_map_mmap(-1, 4096, 1, &address), -EBADF);
}

/* Reads a map of u32 -> u64 whole, `step` entries at a time; each key k < limit exactly once. */
static void check_read(int fd, uint32_t step, uint32_t limit)
{
	char cursor[CURSOR_SIZE] = {};
	uint32_t *keys = calloc(step, sizeof(*keys));
	uint64_t *values = calloc(step, sizeof(*values));
	bool *seen = calloc(limit, sizeof(*seen));
	uint32_t total = 0;
	int count;

	while ((count = shunt_map_read(fd, cursor, keys, values, step)) > 0) {
		CHECK((uint32_t)count <= step);
		total += count;
		for (int i = 0; i < count; i++) {
			CHECK(keys[i] < limit && !seen[keys[i]] && values[i] == keys[i] * 3ULL);
			seen[keys[i]] = true;
		}
	}
	CHECK_IS(count, 0);
	CHECK_IS(total, limit);
	CHECK_IS(shunt_map_read(fd, cursor, keys, values, step), 0);
	free(keys);
	free(values);
	free(seen);
}

static void a_table_is_read_whole_in_steps_of_any_size(void)
{
	enum { SIZE = 1000 };
	static uint32_t keys[SIZE];
	static uint64_t values[SIZE];
	int fd = open_large_table(SIZE);

	for (uint32_t i = 0; i < SIZE; i++) {
		keys[i] = i;
		values[i] = i * 3ULL;
	}
	check_read(fd, 16, 0);
	CHECK_IS(shunt_map_update(fd, keys, values, SIZE, BPF_ANY), SIZE);
	check_read(fd, 16, SIZE);
	check_read(fd, 333, SIZE);
	check_read(fd, SIZE, SIZE);
	check_read(fd, 2 * SIZE, SIZE);
	CHECK_IS(shunt_close(fd), 0);
}

/* With 1,000 entries in 1,024 buckets some bucket holds two: room for one cannot be enough. */
static void too_little_room_for_a_bucket_is_told_and_can_be_mended(void)
{
	enum { SIZE = 1000 };
	char cursor[CURSOR_SIZE] = {};
	static uint32_t keys[SIZE];
	static uint64_t values[SIZE];
	int fd = open_large_table(SIZE);
	int count, total = 0;

	for (uint32_t i = 0; i < SIZE; i++)
		keys[i] = i;
	CHECK_IS(shunt_map_update(fd, keys, values, SIZE, BPF_ANY), SIZE);
	while ((count = shunt_map_read(fd, cursor, keys, values, 1)) > 0)
		total += count;
	CHECK_IS(count, -ENOSPC);
	CHECK(total < SIZE);
	while ((count = shunt_map_read(fd, cursor, keys, values, SIZE)) > 0)
		total += count;
	CHECK_IS(count, 0);
	CHECK_IS(total, SIZE);
	CHECK_IS(shunt_close(fd), 0);
}

static void an_array_is_read_whole_also_when_it_ends_with_a_step(void)
{
	uint32_t keys[4];
	uint64_t values[8];

	for (uint32_t step = 1; step <= 4; step++) {
		char cursor[CURSOR_SIZE] = {};
		int fd = open_map("memory");
		int count, total = 0;

		while ((count = shunt_map_read(fd, cursor, keys, values, step)) > 0)
			total += count;
		CHECK_IS(count, 0);
		CHECK_IS(total, 4);
		CHECK_IS(shunt_close(fd), 0);
	}
}

static void per_cpu_values_take_the_bytes_that_info_tells(void)
{
	const uint32_t keys[] = { 1, 2 };
	char cursor[CURSOR_SIZE] = {};
	uint32_t info[8], read[4];
	uint64_t *values, *again;
	int fd = open_map("per_cpu");
	int cpus = shunt_possible_cpus();

	CHECK(cpus > 0);
	CHECK_IS(shunt_map_info(fd, info), 0);
	CHECK_IS(info[2], 4);
	CHECK_IS(info[6], 8 * cpus);
	/* Exact sizes: one byte more used is one that the sanitizer sees. */
	values = calloc(2, info[6]);
	again = calloc(4, info[6]);
	for (int i = 0; i < 2 * cpus; i++)
		values[i] = i + 1;
	CHECK_IS(shunt_map_update(fd, keys, values, 2, BPF_NOEXIST), 2);
	CHECK_IS(shunt_map_read(fd, cursor, read, again, 4), 2);
	CHECK_IS(again[0] + again[cpus], values[0] + values[cpus]);
	CHECK_IS(shunt_map_lookup(fd, &keys[1], again), 0);
	CHECK(!memcmp(again, values + cpus, info[6]));
	free(values);
	free(again);
	CHECK_IS(shunt_close(fd), 0);
}

/* A program array has no batch calls at all; its empty places are no entries. */
static void maps_without_batch_calls_are_served_one_by_one(void)
{
	const uint32_t keys[] = { 1, 2, 5, 9 };
	char cursor[CURSOR_SIZE] = {};
	uint32_t read[8], ids[8];
	uint64_t info[6];
	int handle = load_sample();
	int map = shunt_object_map_fd(handle, "programs");
	int program = shunt_object_program_fd(handle, "calculate");
	const int programs[] = { program, program, program, program };

	CHECK_IS(shunt_map_read(map, cursor, read, ids, 8), 0);
	CHECK_IS(shunt_map_update(map, keys, programs, 4, BPF_ANY), 3);
	CHECK_SAYS("update element 4 of 4: Argument list too long");
	memset(cursor, 0, sizeof(cursor));
	CHECK_IS(shunt_map_read(map, cursor, read, ids, 2), 2);
	CHECK_IS(shunt_map_read(map, cursor, read + 2, ids + 2, 2), 1);
	CHECK_IS(shunt_map_read(map, cursor, read, ids, 2), 0);
	CHECK(!memcmp(read, keys, 3 * sizeof(*keys)));
	CHECK_IS(shunt_program_info(program, info), 0);
	CHECK_IS(ids[2], info[0]);
	CHECK_IS(shunt_map_delete(map, keys, 4), 3);
	CHECK_SAYS("delete element 4 of 4");
	CHECK_IS(shunt_close(map), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void mapped_memory_is_the_map(void)
{
	struct {
		uint32_t input, output;
	} context = { .input = 2 };
	uint64_t address, value[2];
	const uint32_t key = 2;
	int handle = load_sample();
	int map = shunt_object_map_fd(handle, "memory");
	int program = shunt_object_program_fd(handle, "sum_memory");
	volatile uint64_t *words;

	CHECK_IS(shunt_map_mmap(map, 64, 1, &address), 0);
	words = (uint64_t *)(uintptr_t)address;
	words[4] = 40;
	words[5] = 2;
	CHECK_IS(shunt_map_lookup(map, &key, value), 0);
	CHECK_IS(value[0] + value[1], 42);
	CHECK_IS(shunt_program_run(program, &context, sizeof(context)), 0);
	CHECK_IS(context.output, 42);
	CHECK_IS(words[4], 0);
	CHECK_IS(shunt_close(map), 0);
	CHECK_IS(words[5], 2);
	CHECK_IS(shunt_munmap(address, 64), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void what_cannot_be_mapped_is_refused(void)
{
	uint64_t address;
	int memory = open_map("memory");
	int table = open_map("table");

	CHECK_IS(shunt_map_mmap(memory, 0, 1, &address), -EINVAL);
	CHECK_IS(shunt_map_mmap(memory, 4096 + 1, 1, &address), -EINVAL);
	CHECK_SAYS("mmap 4097 bytes");
	CHECK_IS(shunt_map_mmap(memory, 64, 1, NULL), -EINVAL);
	CHECK(shunt_map_mmap(table, 64, 1, &address) < 0);
	CHECK_IS(shunt_munmap(1, 64), -EINVAL);
	CHECK_IS(shunt_map_mmap(memory, 64, 0, &address), 0);
	CHECK_IS(shunt_munmap(address, 64), 0);
	CHECK_IS(shunt_close(memory), 0);
	CHECK_IS(shunt_close(table), 0);
}

const struct test map_tests[] = {
	TEST(info_describes_a_map),
	TEST(a_map_is_found_by_its_id),
	TEST(entries_are_written_looked_up_and_deleted),
	TEST(an_update_of_a_full_table_tells_how_many_were_applied),
	TEST(a_delete_stops_at_the_first_absent_key),
	TEST(flags_of_single_updates_work_on_many),
	TEST(an_array_entry_out_of_range_stops_an_update),
	TEST(nothing_to_do_is_done),
	TEST(missing_memory_is_refused),
	TEST(descriptors_that_are_no_map_are_refused),
	TEST(a_table_is_read_whole_in_steps_of_any_size),
	TEST(too_little_room_for_a_bucket_is_told_and_can_be_mended),
	TEST(an_array_is_read_whole_also_when_it_ends_with_a_step),
	TEST(per_cpu_values_take_the_bytes_that_info_tells),
	TEST(maps_without_batch_calls_are_served_one_by_one),
	TEST(mapped_memory_is_the_map),
	TEST(what_cannot_be_mapped_is_refused),
	{},
};
