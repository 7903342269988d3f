// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "shim.h"
#include "test.h"

struct context {
	uint32_t input;
	uint32_t output;
};

static void bytes_that_are_no_object_are_refused(void)
{
	static const char text[] =
		"this is not an ELF file, but it is long enough to be taken for one";

	CHECK_IS(shunt_object_open(NULL, 0, "none"), -EINVAL);
	CHECK_IS(shunt_object_open(text, 0, "empty"), -EINVAL);
	CHECK_IS(shunt_object_open(NULL, sizeof(text), "null"), -EINVAL);
	CHECK_IS(shunt_object_open(text, sizeof(text), NULL), -EINVAL);
	CHECK_IS(shunt_object_open(text, sizeof(text), "text"), -ENOEXEC);
	CHECK_SAYS("'text' is not a proper ELF object");
	CHECK_SAYS("open object text");
}

static void check_stale(int handle)
{
	CHECK_IS(shunt_object_close(handle), -EBADF);
	CHECK_SAYS("object handle");
	CHECK_IS(shunt_object_load(handle), -EBADF);
	CHECK_IS(shunt_object_set_constant(handle, "factor", "1234", 4), -EBADF);
	CHECK_IS(shunt_object_set_map_size(handle, "table", 1), -EBADF);
	CHECK_IS(shunt_object_set_autoload(handle, "allow", 0), -EBADF);
	CHECK_IS(shunt_object_reuse_map(handle, "table", 0), -EBADF);
	CHECK_IS(shunt_object_map_fd(handle, "table"), -EBADF);
	CHECK_IS(shunt_object_program_fd(handle, "allow"), -EBADF);
}

static void a_closed_handle_is_stale_also_when_its_place_is_taken_again(void)
{
	int before = open_sample("sample");
	int after;

	CHECK(before > 0);
	CHECK_IS(shunt_object_close(before), 0);
	check_stale(before);
	after = open_sample("sample");
	CHECK(after > 0 && after != before);
	check_stale(before);
	CHECK_IS(shunt_object_close(after), 0);
}

static void handles_that_never_were_are_stale(void)
{
	static const int handles[] = { 0, -1, 1, 63, INT32_MAX, INT32_MIN };

	for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++)
		check_stale(handles[i]);
}

static void more_than_64_objects_are_refused(void)
{
	int handles[65];

	for (int i = 0; i < 65; i++)
		handles[i] = open_sample("sample");
	CHECK(handles[63] > 0);
	CHECK_IS(handles[64], -EMFILE);
	for (int i = 0; i < 64; i++)
		CHECK_IS(shunt_object_close(handles[i]), 0);
}

static int64_t calculate(int handle, uint32_t input)
{
	struct context context = { .input = input };
	int fd = shunt_object_program_fd(handle, "calculate");

	CHECK(fd >= 0);
	CHECK_IS(shunt_program_run(fd, &context, sizeof(context)), input);
	CHECK_IS(shunt_close(fd), 0);
	return context.output;
}

static void constants_reach_the_program(void)
{
	const uint32_t factor = 7;
	const uint16_t addend = 5;
	int handle = open_sample("sample");

	CHECK_IS(shunt_object_set_constant(handle, "factor", &factor, sizeof(factor)), 0);
	CHECK_IS(shunt_object_set_constant(handle, "addend", &addend, sizeof(addend)), 0);
	CHECK_IS(shunt_object_load(handle), 0);
	CHECK_IS(calculate(handle, 6), 47);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void constants_not_set_keep_their_value(void)
{
	int handle = load_sample();

	CHECK_IS(calculate(handle, 6), 12);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void a_constant_must_exist_and_have_the_right_size(void)
{
	const uint64_t value = 1;
	int handle = open_sample("sample");

	CHECK_IS(shunt_object_set_constant(handle, "divisor", &value, 4), -ENOENT);
	CHECK_SAYS("constant divisor");
	CHECK_IS(shunt_object_set_constant(handle, "factor", &value, 8), -EINVAL);
	CHECK_SAYS("8 bytes given, it has 4");
	CHECK_IS(shunt_object_set_constant(handle, "factor", &value, 0), -EINVAL);
	CHECK_IS(shunt_object_set_constant(handle, "factor", NULL, 4), -EINVAL);
	CHECK_IS(shunt_object_set_constant(handle, NULL, &value, 4), -EINVAL);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void an_object_without_constants_has_none(void)
{
	int handle = open_sample("rejected");

	CHECK_IS(shunt_object_set_constant(handle, "factor", "1234", 4), -ENOENT);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void unknown_names_are_told(void)
{
	int handle = load_sample();

	CHECK_IS(shunt_object_map_fd(handle, "tables"), -ENOENT);
	CHECK_SAYS("map tables");
	CHECK_IS(shunt_object_program_fd(handle, "deny"), -ENOENT);
	CHECK_SAYS("program deny");
	CHECK_IS(shunt_object_map_fd(handle, NULL), -ENOENT);
	CHECK_IS(shunt_object_program_fd(handle, NULL), -ENOENT);
	CHECK_IS(shunt_object_close(handle), 0);

	handle = open_sample("sample");
	CHECK_IS(shunt_object_set_map_size(handle, "tables", 1), -ENOENT);
	CHECK_IS(shunt_object_set_map_size(handle, NULL, 1), -EINVAL);
	CHECK_IS(shunt_object_set_autoload(handle, "deny", 0), -ENOENT);
	CHECK_IS(shunt_object_set_autoload(handle, NULL, 0), -EINVAL);
	CHECK_IS(shunt_object_reuse_map(handle, "tables", 0), -ENOENT);
	CHECK_IS(shunt_object_reuse_map(handle, NULL, 0), -EINVAL);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void a_loaded_object_cannot_be_changed_or_loaded_again(void)
{
	int handle = load_sample();

	CHECK_IS(shunt_object_set_constant(handle, "factor", "1234", 4), -EBUSY);
	CHECK_SAYS("has been loaded");
	CHECK_IS(shunt_object_set_map_size(handle, "table", 1), -EBUSY);
	CHECK_IS(shunt_object_set_autoload(handle, "allow", 0), -EBUSY);
	CHECK_IS(shunt_object_reuse_map(handle, "table", 0), -EBUSY);
	CHECK_IS(shunt_object_load(handle), -EBUSY);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void an_object_not_loaded_has_no_descriptors(void)
{
	int handle = open_sample("sample");

	CHECK_IS(shunt_object_map_fd(handle, "table"), -EINVAL);
	CHECK_SAYS("table is not loaded");
	CHECK_IS(shunt_object_program_fd(handle, "allow"), -EINVAL);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void a_rejected_program_gives_the_end_of_the_verifier_log(void)
{
	char text[64];
	int handle = open_sample("rejected");
	int length;

	CHECK_IS(shunt_object_load(handle), -EACCES);
	CHECK_SAYS("R0 invalid mem access 'map_value_or_null'");
	CHECK_SAYS("load object rejected: Permission denied");
	length = shunt_last_error(text, sizeof(text));
	CHECK_IS(length, sizeof(text) - 1);
	CHECK_IS(strlen(text), sizeof(text) - 1);
	CHECK(strstr(text, "load object rejected: Permission denied\n"));
	CHECK_IS(shunt_object_load(handle), -EBUSY);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void a_map_size_is_taken(void)
{
	uint32_t info[8];
	int handle = open_sample("sample");
	int fd;

	CHECK_IS(shunt_object_set_map_size(handle, "table", 1000), 0);
	CHECK_IS(shunt_object_load(handle), 0);
	fd = shunt_object_map_fd(handle, "table");
	CHECK_IS(shunt_map_info(fd, info), 0);
	CHECK_IS(info[3], 1000);
	CHECK_IS(shunt_close(fd), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void only_programs_with_autoload_are_loaded(void)
{
	int handle = open_sample("sample");
	int spare;

	CHECK_IS(shunt_object_set_autoload(handle, "allow", 0), 0);
	CHECK_IS(shunt_object_set_autoload(handle, "spare", 1), 0);
	CHECK_IS(shunt_object_load(handle), 0);
	CHECK_IS(shunt_object_program_fd(handle, "allow"), -EINVAL);
	CHECK_SAYS("allow is not loaded");
	spare = shunt_object_program_fd(handle, "spare");
	CHECK(spare >= 0);
	CHECK_IS(shunt_close(spare), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

static uint32_t map_id(int handle, const char *name)
{
	uint32_t info[8] = {};
	int fd = shunt_object_map_fd(handle, name);

	CHECK_IS(shunt_map_info(fd, info), 0);
	CHECK_IS(shunt_close(fd), 0);
	return info[5];
}

static void a_map_can_be_reused_by_another_object(void)
{
	int first = load_sample();
	int second = open_sample("sample");
	int fd = shunt_object_map_fd(first, "table");

	CHECK_IS(shunt_object_reuse_map(second, "table", fd), 0);
	CHECK_IS(shunt_close(fd), 0);
	CHECK_IS(shunt_object_load(second), 0);
	CHECK_IS(map_id(second, "table"), map_id(first, "table"));
	CHECK(map_id(second, "memory") != map_id(first, "memory"));
	CHECK_IS(shunt_object_close(first), 0);
	CHECK_IS(shunt_object_close(second), 0);
}

static void a_map_of_another_kind_is_not_reused(void)
{
	int first = load_sample();
	int second = open_sample("sample");
	int memory = shunt_object_map_fd(first, "memory");
	int program = shunt_object_program_fd(first, "allow");

	CHECK_IS(shunt_object_reuse_map(second, "table", memory), -EINVAL);
	CHECK_SAYS("map table: its type is 1, that of the map to reuse 2");
	CHECK_IS(shunt_object_reuse_map(second, "table", program), -EINVAL);
	CHECK_IS(shunt_object_reuse_map(second, "table", -1), -EBADF);
	CHECK_IS(shunt_close(memory), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(first), 0);
	CHECK_IS(shunt_object_close(second), 0);
}

static void descriptors_are_close_on_exec_and_outlive_the_object(void)
{
	uint32_t info[8];
	int handle = load_sample();
	int fd = shunt_object_map_fd(handle, "table");

	CHECK_IS(shunt_object_close(handle), 0);
	CHECK_IS(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_IS(shunt_map_info(fd, info), 0);
	CHECK_IS(shunt_close(fd), 0);
}

const struct test object_tests[] = {
	TEST(bytes_that_are_no_object_are_refused),
	TEST(a_closed_handle_is_stale_also_when_its_place_is_taken_again),
	TEST(handles_that_never_were_are_stale),
	TEST(more_than_64_objects_are_refused),
	TEST(constants_reach_the_program),
	TEST(constants_not_set_keep_their_value),
	TEST(a_constant_must_exist_and_have_the_right_size),
	TEST(an_object_without_constants_has_none),
	TEST(unknown_names_are_told),
	TEST(a_loaded_object_cannot_be_changed_or_loaded_again),
	TEST(an_object_not_loaded_has_no_descriptors),
	TEST(a_rejected_program_gives_the_end_of_the_verifier_log),
	TEST(a_map_size_is_taken),
	TEST(only_programs_with_autoload_are_loaded),
	TEST(a_map_can_be_reused_by_another_object),
	TEST(a_map_of_another_kind_is_not_reused),
	TEST(descriptors_are_close_on_exec_and_outlive_the_object),
	{},
};
