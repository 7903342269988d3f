// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "shim.h"
#include "test.h"

struct context {
	uint32_t input;
	uint32_t output;
};

#define RING_BYTES 4096
/* Each record of 8 bytes has a header of 8. */
#define RING_RECORDS (RING_BYTES / 16)

static int handle, program, ring;

static void open_all(void)
{
	int fd;

	handle = load_sample();
	program = shunt_object_program_fd(handle, "fill_ring");
	fd = shunt_object_map_fd(handle, "ring");
	ring = shunt_ring_open(fd);
	CHECK(ring > 0);
	CHECK_IS(shunt_close(fd), 0);
}

static void close_all(void)
{
	CHECK_IS(shunt_ring_close(ring), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

/* Returns how many of n records found room. */
static uint32_t fill(uint32_t n)
{
	struct context context = { .input = n };

	CHECK_IS(shunt_program_run(program, &context, sizeof(context)), 0);
	return context.output;
}

static void records_are_read_in_order_and_once(void)
{
	uint64_t records[4] = {};

	open_all();
	CHECK_IS(shunt_ring_read(ring, records, 8, 4), 0);
	CHECK_IS(fill(3), 3);
	CHECK_IS(shunt_ring_read(ring, records, 8, 4), 3);
	CHECK_IS(records[0], 0);
	CHECK_IS(records[2], 2);
	CHECK_IS(shunt_ring_read(ring, records, 8, 4), 0);
	close_all();
}

static void no_more_are_read_than_there_is_room_for(void)
{
	uint64_t records[3] = { 7, 7, 7 };

	open_all();
	CHECK_IS(fill(5), 5);
	CHECK_IS(shunt_ring_read(ring, records, 8, 2), 2);
	CHECK_IS(records[2], 7);
	CHECK_IS(shunt_ring_read(ring, records, 8, 3), 3);
	CHECK_IS(records[0], 2);
	CHECK_IS(records[2], 4);
	close_all();
}

static void a_full_ring_has_room_again_when_it_was_read(void)
{
	uint64_t records[RING_RECORDS];
	uint32_t found;

	open_all();
	found = fill(2 * RING_RECORDS);
	CHECK(found >= RING_RECORDS - 1 && found <= RING_RECORDS);
	CHECK_IS(shunt_ring_read(ring, records, 8, RING_RECORDS), found);
	CHECK_IS(fill(10), 10);
	CHECK_IS(shunt_ring_read(ring, records, 8, RING_RECORDS), 10);
	close_all();
}

static void what_is_no_ring_is_refused(void)
{
	uint64_t record;
	int fd;

	open_all();
	fd = shunt_object_map_fd(handle, "table");
	CHECK_IS(shunt_ring_open(fd), -EINVAL);
	CHECK_SAYS("open ring buffer");
	CHECK_IS(shunt_close(fd), 0);
	CHECK_IS(shunt_ring_open(-1), -EBADF);
	CHECK_IS(shunt_ring_read(0, &record, 8, 1), -EBADF);
	CHECK_IS(shunt_ring_read(ring + 1, &record, 8, 1), -EBADF);
	CHECK_IS(shunt_ring_read(ring, NULL, 8, 1), -EINVAL);
	CHECK_IS(shunt_ring_read(ring, &record, 8, 0), -EINVAL);
	CHECK_IS(fill(1), 1);
	CHECK_IS(shunt_ring_read(ring, &record, 4, 1), -EMSGSIZE);
	close_all();
	CHECK_IS(shunt_ring_close(ring), -EBADF);
	CHECK_IS(shunt_ring_close(-3), -EBADF);
}

const struct test ring_tests[] = {
	TEST(records_are_read_in_order_and_once),
	TEST(no_more_are_read_than_there_is_room_for),
	TEST(a_full_ring_has_room_again_when_it_was_read),
	TEST(what_is_no_ring_is_refused),
	{},
};
