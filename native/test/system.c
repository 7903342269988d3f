// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shim.h"
#include "test.h"

static void the_version_is_that_of_the_header(void)
{
	CHECK_IS(shunt_abi_version(), SHUNT_ABI_VERSION);
}

static void the_last_error_is_cut_to_the_room_given_and_gone_after_a_success(void)
{
	char whole[256], end[8];
	int length;

	CHECK(shunt_close(-1) < 0);
	length = shunt_last_error(whole, sizeof(whole));
	CHECK(!strcmp(whole, "close descriptor -1: Bad file descriptor\n"));
	CHECK_IS(length, strlen(whole));
	CHECK_IS(shunt_last_error(end, sizeof(end)), 7);
	CHECK(!strcmp(end, "riptor\n"));
	CHECK_IS(shunt_last_error(end, 1), 0);
	CHECK_IS(*end, 0);
	CHECK_IS(shunt_last_error(end, 0), -EINVAL);
	CHECK_IS(shunt_last_error(NULL, 8), -EINVAL);
	CHECK(shunt_possible_cpus() > 0);
	CHECK_IS(shunt_last_error(whole, sizeof(whole)), 0);
}

static void a_text_longer_than_the_store_keeps_its_end(void)
{
	static char path[40000], text[20000];
	int length;

	memset(path, 'x', sizeof(path) - 1);
	memcpy(path + sizeof(path) - 4, "end", 3);
	CHECK_IS(shunt_is_bpffs(path), -ENAMETOOLONG);
	length = shunt_last_error(text, sizeof(text));
	CHECK_IS(length, 16384);
	CHECK(!strcmp(text + length - 24, "end: File name too long\n"));
}

static void *fail_elsewhere(void *path)
{
	char text[256];

	CHECK_IS(shunt_is_bpffs(path), -ENOENT);
	CHECK(shunt_last_error(text, sizeof(text)) > 0);
	return NULL;
}

static void each_thread_has_its_own_last_error(void)
{
	pthread_t thread;

	CHECK(shunt_close(-1) < 0);
	CHECK_IS(pthread_create(&thread, NULL, fail_elsewhere, "/nowhere"), 0);
	CHECK_IS(pthread_join(thread, NULL), 0);
	CHECK_SAYS("close descriptor -1");
}

static void *open_and_close(void *unused)
{
	for (int i = 0; i < 20; i++) {
		int handle = open_sample("sample");

		CHECK(handle > 0);
		CHECK_IS(shunt_object_set_map_size(handle, "table", i + 1), 0);
		CHECK_IS(shunt_object_close(handle), 0);
		CHECK_IS(shunt_object_close(handle), -EBADF);
	}
	return unused;
}

static void threads_open_and_close_objects_at_once(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_IS(pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_IS(pthread_join(threads[i], NULL), 0);
}

static void a_bpffs_is_told_from_other_file_systems(void)
{
	char path[128];

	CHECK_IS(shunt_is_bpffs(own_bpffs), 1);
	CHECK_IS(shunt_is_bpffs(own_directory), 0);
	CHECK_IS(shunt_is_bpffs("/nowhere"), -ENOENT);
	CHECK_IS(shunt_is_bpffs(NULL), -EINVAL);
	CHECK_IS(shunt_mount_bpffs("/nowhere"), -ENOENT);
	CHECK_SAYS("mount bpffs at /nowhere");
	CHECK_IS(shunt_mount_bpffs(NULL), -EINVAL);
	snprintf(path, sizeof(path), "%.100s/plain", own_directory);
	CHECK(shunt_pin(0, path) < 0);
	CHECK_IS(shunt_pin(0, NULL), -EINVAL);
	CHECK_IS(shunt_open_pinned(NULL), -EINVAL);
}

/*
 * A grace period takes long, a map update does not: the fastest of 10 waits must be far beyond the
 * 10 microseconds or so that the system calls around it cost.
 */
static void waiting_for_programs_takes_a_grace_period(void)
{
	long long best_ns = INT64_MAX;

	for (int i = 0; i < 10; i++) {
		struct timespec from, to;
		long long ns;

		clock_gettime(CLOCK_MONOTONIC, &from);
		CHECK_IS(shunt_wait_programs(), 0);
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	CHECK(best_ns > 100 * 1000);
}

static int count_open_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += dup2(fd, fd) == fd;
	return count;
}

static void waiting_leaves_no_descriptor_open(void)
{
	int before = count_open_files();

	for (int i = 0; i < 3; i++)
		CHECK_IS(shunt_wait_programs(), 0);
	CHECK_IS(count_open_files(), before);
}

static int may_raise_limits(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long long capabilities = 0;
	char line[128];

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "CapEff: %llx", &capabilities);
	if (status)
		fclose(status);
	return capabilities >> CAP_SYS_RESOURCE & 1;
}

static void the_memory_lock_limit_is_lifted_by_who_may(void)
{
	struct rlimit before, after;

	CHECK_IS(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	if (may_raise_limits() || before.rlim_max == RLIM_INFINITY) {
		CHECK_IS(shunt_set_rlimit_memlock(), 0);
		CHECK_IS(getrlimit(RLIMIT_MEMLOCK, &after), 0);
		CHECK(after.rlim_cur == RLIM_INFINITY && after.rlim_max == RLIM_INFINITY);
	} else {
		CHECK_IS(shunt_set_rlimit_memlock(), -EPERM);
		CHECK_SAYS("raise RLIMIT_MEMLOCK");
	}
}

const struct test system_tests[] = {
	TEST(the_version_is_that_of_the_header),
	TEST(the_last_error_is_cut_to_the_room_given_and_gone_after_a_success),
	TEST(a_text_longer_than_the_store_keeps_its_end),
	TEST(each_thread_has_its_own_last_error),
	TEST(threads_open_and_close_objects_at_once),
	TEST(a_bpffs_is_told_from_other_file_systems),
	TEST(waiting_for_programs_takes_a_grace_period),
	TEST(waiting_leaves_no_descriptor_open),
	TEST(the_memory_lock_limit_is_lifted_by_who_may),
	{},
};
