// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "shim.h"
#include "test.h"

static int open_program(const char *name)
{
	int handle = load_sample();
	int fd = shunt_object_program_fd(handle, name);

	CHECK(fd >= 0);
	CHECK_IS(shunt_object_close(handle), 0);
	return fd;
}

static int64_t program_id(int fd)
{
	uint64_t info[6] = {};

	CHECK_IS(shunt_program_info(fd, info), 0);
	return info[0];
}

static void info_describes_a_program(void)
{
	uint64_t info[6], other[6];
	int allow = open_program("allow");
	int allow_too = open_program("allow_too");

	CHECK_IS(shunt_program_info(allow, info), 0);
	CHECK(info[0] > 0);
	CHECK_IS(info[1], BPF_PROG_TYPE_CGROUP_SOCK_ADDR);
	CHECK_IS(info[5], 2); /* table and, in every program, .rodata */
	CHECK_IS(shunt_program_info(allow_too, other), 0);
	CHECK(other[0] != info[0]);
	CHECK(other[4] != info[4]);
	CHECK_IS(other[5], 1);
	CHECK_IS(shunt_program_info(allow, NULL), -EINVAL);
	CHECK_IS(shunt_close(allow), 0);
	CHECK_IS(shunt_close(allow_too), 0);
	CHECK_IS(shunt_program_info(allow, info), -EBADF);
}

static void the_tag_reads_as_the_kernel_prints_it(void)
{
	char path[64], line[128], want[32];
	uint64_t info[6];
	int found = 0;
	int fd = open_program("allow");
	FILE *file;

	CHECK_IS(shunt_program_info(fd, info), 0);
	snprintf(want, sizeof(want), "%016llx", (unsigned long long)info[4]);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	CHECK(file);
	while (file && fgets(line, sizeof(line), file))
		found |= !strncmp(line, "prog_tag:", 9) && strstr(line, want);
	CHECK(found);
	if (file)
		fclose(file);
	CHECK_IS(shunt_close(fd), 0);
}

static void a_program_tells_its_name_and_its_maps(void)
{
	uint32_t ids[2] = {}, info[8];
	char name[16];
	int handle = load_sample();
	int program = shunt_object_program_fd(handle, "allow");
	int map = shunt_object_map_fd(handle, "table");

	CHECK_IS(shunt_program_name(program, name, sizeof(name)), 5);
	CHECK(!strcmp(name, "allow"));
	CHECK_IS(shunt_program_name(program, name, 5), -ENOSPC);
	CHECK_IS(shunt_program_name(program, NULL, 16), -ENOSPC);
	CHECK_IS(shunt_program_map_ids(program, NULL, 0), 2);
	CHECK_IS(shunt_program_map_ids(program, NULL, 1), -EINVAL);
	CHECK_IS(shunt_program_map_ids(program, ids, 1), 2);
	CHECK(ids[0] && !ids[1]);
	CHECK_IS(shunt_program_map_ids(program, ids, 2), 2);
	CHECK_IS(shunt_map_info(map, info), 0);
	CHECK(ids[0] == info[5] || ids[1] == info[5]);
	CHECK_IS(shunt_program_map_ids(map, ids, 1), -EINVAL);
	CHECK_IS(shunt_program_name(map, name, sizeof(name)), -EINVAL);
	CHECK_IS(shunt_close(map), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

static void a_program_is_found_by_its_id(void)
{
	int fd = open_program("allow");
	int found = shunt_program_fd_by_id(program_id(fd));

	CHECK(found >= 0);
	CHECK_IS(program_id(found), program_id(fd));
	CHECK_IS(shunt_close(found), 0);
	CHECK_IS(shunt_close(fd), 0);
	CHECK_IS(shunt_program_fd_by_id(UINT32_MAX), -ENOENT);
}

static void a_syscall_program_runs_and_changes_its_context(void)
{
	uint32_t context[2] = { 21 };
	int calculate = open_program("calculate");
	int allow = open_program("allow");

	CHECK_IS(shunt_program_run(calculate, context, sizeof(context)), 21);
	CHECK_IS(context[1], 42);
	context[0] = UINT32_MAX;
	CHECK_IS(shunt_program_run(calculate, context, sizeof(context)), UINT32_MAX);
	CHECK_IS(shunt_program_run(calculate, context, 4), -EINVAL);
	CHECK_IS(shunt_program_run(calculate, NULL, 8), -EINVAL);
	CHECK_IS(shunt_program_run(calculate, NULL, 0), -EINVAL);
	CHECK_IS(shunt_program_run(calculate, context, UINT16_MAX + 1), -EINVAL);
	CHECK_IS(shunt_program_run(allow, context, sizeof(context)), -524);
	CHECK_SAYS("Not supported by the kernel");
	CHECK_IS(shunt_close(calculate), 0);
	CHECK_IS(shunt_close(allow), 0);
}

static int attached(uint32_t *ids, uint32_t n)
{
	return shunt_cgroup_programs(own_cgroup, BPF_CGROUP_INET4_CONNECT, ids, n);
}

static void programs_are_attached_beside_others_and_swapped_in_place(void)
{
	uint32_t ids[2] = {};
	int allow = open_program("allow");
	int allow_too = open_program("allow_too");
	int first = shunt_attach_cgroup(allow, own_cgroup, BPF_CGROUP_INET4_CONNECT);
	int second;

	CHECK(first >= 0);
	CHECK_IS(fcntl(first, F_GETFD), FD_CLOEXEC);
	CHECK_IS(attached(ids, 2), 1);
	CHECK_IS(ids[0], program_id(allow));
	second = shunt_attach_cgroup(allow, own_cgroup, BPF_CGROUP_INET4_CONNECT);
	CHECK(second >= 0);
	CHECK_IS(attached(NULL, 0), 2);
	CHECK_IS(attached(ids, 1), 2);
	CHECK_IS(shunt_link_update(second, allow_too), 0);
	CHECK_IS(shunt_link_program_id(second), program_id(allow_too));
	CHECK_IS(shunt_link_program_id(first), program_id(allow));
	CHECK_IS(attached(ids, 2), 2);
	CHECK_IS(ids[0], program_id(allow));
	CHECK_IS(ids[1], program_id(allow_too));
	CHECK_IS(shunt_close(first), 0);
	CHECK_IS(attached(ids, 2), 1);
	CHECK_IS(shunt_close(second), 0);
	CHECK_IS(attached(ids, 2), 0);
	CHECK_IS(shunt_close(allow), 0);
	CHECK_IS(shunt_close(allow_too), 0);
}

static int64_t cgroup_inode(void)
{
	struct stat own = {};

	CHECK_IS(stat(own_cgroup, &own), 0);
	return own.st_ino;
}

static void a_pinned_link_keeps_its_program_attached(void)
{
	char path[128];
	int allow = open_program("allow");
	int link = shunt_attach_cgroup(allow, own_cgroup, BPF_CGROUP_INET4_CONNECT);

	snprintf(path, sizeof(path), "%.100s/link", own_bpffs);
	CHECK_IS(shunt_pin(link, path), 0);
	CHECK_IS(shunt_pin(link, path), -EEXIST);
	CHECK_IS(shunt_close(link), 0);
	CHECK_IS(attached(NULL, 0), 1);
	link = shunt_open_pinned(path);
	CHECK(link >= 0);
	CHECK_IS(fcntl(link, F_GETFD), FD_CLOEXEC);
	CHECK_IS(shunt_link_program_id(link), program_id(allow));
	CHECK_IS(shunt_link_cgroup_id(link), cgroup_inode());
	CHECK_IS(remove(path), 0);
	CHECK_IS(shunt_close(link), 0);
	CHECK_IS(attached(NULL, 0), 0);
	CHECK_IS(shunt_open_pinned(path), -ENOENT);
	CHECK_SAYS(path);
	CHECK_IS(shunt_close(allow), 0);
}

static void a_link_that_is_detached_attaches_nothing_though_it_is_pinned(void)
{
	char path[128];
	int allow = open_program("allow");
	int link = shunt_attach_cgroup(allow, own_cgroup, BPF_CGROUP_INET4_CONNECT);

	snprintf(path, sizeof(path), "%.100s/link", own_bpffs);
	CHECK_IS(shunt_pin(link, path), 0);
	CHECK_IS(shunt_link_detach(link), 0);
	CHECK_IS(attached(NULL, 0), 0);
	CHECK_IS(shunt_link_cgroup_id(link), 0);
	CHECK_IS(shunt_link_update(link, allow), -ENOLINK);
	CHECK_IS(shunt_link_detach(link), 0);
	CHECK_IS(remove(path), 0);
	CHECK_IS(shunt_close(link), 0);
	CHECK_IS(shunt_close(allow), 0);
}

static void what_cannot_be_attached_is_refused(void)
{
	int allow = open_program("allow");

	CHECK_IS(shunt_attach_cgroup(allow, "/nowhere", BPF_CGROUP_INET4_CONNECT), -ENOENT);
	CHECK_SAYS("/nowhere");
	CHECK_IS(shunt_attach_cgroup(allow, own_directory, BPF_CGROUP_INET4_CONNECT), -EBADF);
	CHECK_IS(shunt_attach_cgroup(allow, NULL, BPF_CGROUP_INET4_CONNECT), -EINVAL);
	CHECK_IS(shunt_attach_cgroup(allow, own_cgroup, BPF_CGROUP_INET6_CONNECT), -EINVAL);
	CHECK_IS(shunt_attach_cgroup(allow, own_cgroup, -1), -EINVAL);
	CHECK_IS(shunt_attach_cgroup(-1, own_cgroup, BPF_CGROUP_INET4_CONNECT), -EBADF);
	CHECK_IS(shunt_link_update(allow, allow), -EINVAL);
	CHECK_IS(shunt_link_update(-1, allow), -EBADF);
	CHECK_IS(shunt_link_detach(allow), -EINVAL);
	CHECK_IS(shunt_link_detach(-1), -EBADF);
	CHECK_SAYS("detach link");
	CHECK_IS(shunt_link_program_id(allow), -EINVAL);
	CHECK_IS(shunt_link_cgroup_id(allow), -EINVAL);
	CHECK_SAYS("is anon_inode:bpf-prog, not a bpf link");
	CHECK_IS(shunt_cgroup_programs("/nowhere", BPF_CGROUP_INET4_CONNECT, NULL, 0), -ENOENT);
	CHECK_IS(shunt_cgroup_programs(NULL, BPF_CGROUP_INET4_CONNECT, NULL, 0), -EINVAL);
	CHECK_IS(shunt_cgroup_programs(own_cgroup, BPF_CGROUP_INET4_CONNECT, NULL, 1), -EINVAL);
	CHECK_IS(shunt_cgroup_programs(own_cgroup, 9999, NULL, 0), -EINVAL);
	CHECK_IS(shunt_close(allow), 0);
}

static void statistics_count_while_they_are_enabled(void)
{
	uint32_t context[2] = {};
	uint64_t info[6];
	int program = open_program("calculate");
	int stats = shunt_enable_stats();

	CHECK(stats >= 0);
	for (int i = 0; i < 3; i++)
		CHECK_IS(shunt_program_run(program, context, sizeof(context)), 0);
	CHECK_IS(shunt_close(stats), 0);
	CHECK_IS(shunt_program_info(program, info), 0);
	CHECK_IS(info[2], 3);
	CHECK(info[3] > 0);
	CHECK_IS(shunt_close(program), 0);
}

const struct test program_tests[] = {
	TEST(info_describes_a_program),
	TEST(the_tag_reads_as_the_kernel_prints_it),
	TEST(a_program_tells_its_name_and_its_maps),
	TEST(a_program_is_found_by_its_id),
	TEST(a_syscall_program_runs_and_changes_its_context),
	TEST(programs_are_attached_beside_others_and_swapped_in_place),
	TEST(a_pinned_link_keeps_its_program_attached),
	TEST(a_link_that_is_detached_attaches_nothing_though_it_is_pinned),
	TEST(what_cannot_be_attached_is_refused),
	TEST(statistics_count_while_they_are_enabled),
	{},
};
