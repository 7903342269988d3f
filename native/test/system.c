// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void a_directory_is_locked_by_one_at_a_time(void)
{
	int first = shunt_lock(own_bpffs), second;

	CHECK(first >= 0);
	CHECK_IS(fcntl(first, F_GETFD), FD_CLOEXEC);
	CHECK_IS(shunt_lock(own_bpffs), -EAGAIN);
	CHECK_SAYS(own_bpffs);
	CHECK_IS(shunt_close(first), 0);
	second = shunt_lock(own_bpffs);
	CHECK(second >= 0);
	CHECK_IS(shunt_close(second), 0);
	CHECK_IS(shunt_lock("/nowhere"), -ENOENT);
	CHECK_IS(shunt_lock(NULL), -EINVAL);
}

/* Connects from within the tests' cgroup; a UDP socket, so that nothing is sent. */
static pid_t start_connect(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	char path[PATH_MAX + 16];
	FILE *members;
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(path, sizeof(path), "%s/cgroup.procs", own_cgroup);
	members = fopen(path, "we");
	if (!members || fputs("0", members) < 0 || fclose(members))
		_exit(1);
	_exit(connect(socket(AF_INET, SOCK_DGRAM, 0), (void *)&address, sizeof(address)) != 0);
}

/* A child that succeeded. */
static void check_child(pid_t pid)
{
	int status = -1;

	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
}

/*
 * True if the wait began while the program was running. It may have ended before this process had a
 * CPU again; then nothing was learnt.
 */
static bool wait_for_lingering(volatile uint64_t *begun, volatile uint64_t *ended)
{
	bool under_way;
	pid_t pid;

	*begun = *ended = 0;
	pid = start_connect();
	for (int ms = 0; !*begun && ms < 10000; ms++)
		usleep(1000);
	CHECK_IS(*begun, 1);
	under_way = !*ended;
	CHECK_IS(shunt_wait_programs(), 0);
	CHECK_IS(*ended, 1);
	check_child(pid);
	return under_way;
}

static void waiting_for_programs_ends_after_a_run_that_was_under_way(void)
{
	int handle = open_sample("sample");
	int program, memory, link, rounds = 0;
	volatile uint64_t *begun_ended;
	uint64_t address;

	CHECK_IS(shunt_object_set_autoload(handle, "linger", 1), 0);
	CHECK_IS(shunt_object_load(handle), 0);
	program = shunt_object_program_fd(handle, "linger");
	memory = shunt_object_map_fd(handle, "memory");
	CHECK_IS(shunt_map_mmap(memory, 64, 1, &address), 0);
	begun_ended = (uint64_t *)(uintptr_t)address;
	link = shunt_attach_cgroup(program, own_cgroup, BPF_CGROUP_INET4_CONNECT);
	CHECK(link >= 0);

	while (!wait_for_lingering(&begun_ended[0], &begun_ended[1]) && rounds < 50)
		rounds++;
	CHECK(rounds < 50 || sysconf(_SC_NPROCESSORS_ONLN) == 1);

	CHECK_IS(shunt_munmap(address, 64), 0);
	CHECK_IS(shunt_close(link), 0);
	CHECK_IS(shunt_close(memory), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(handle), 0);
}

/* As nobody: no map of maps can be made, while membarrier asks for no rights, but for two CPUs. */
static void waiting_for_programs_works_without_the_right_to_make_maps(void)
{
	pid_t pid = fork();

	if (!pid) {
		const int want = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 0 : -EOPNOTSUPP;

		if (setgid(65534) || setuid(65534))
			_exit(1);
		if (bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL, 4, 4, 1, NULL) != -EPERM)
			_exit(2);
		_exit(shunt_wait_programs() != want);
	}
	check_child(pid);
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

static void free_memory_goes_back_to_the_system(void)
{
	CHECK(shunt_trim_memory() >= 0);
	CHECK_IS(shunt_trim_memory(), 0);
}

static long file_pages_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	long size = -1;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "RssFile: %ld", &size);
	if (status)
		fclose(status);
	return size;
}

static void pages_of_files_are_taken_out_and_come_back_as_they_were(void)
{
	static const char text[] = "what stands in the file stands here again";
	long before = file_pages_kib();

	CHECK(shunt_unmap_clean_pages() > 3);
	CHECK(file_pages_kib() < before);
	CHECK(!strcmp(text, "what stands in the file stands here again"));
	CHECK_IS(shunt_abi_version(), SHUNT_ABI_VERSION);
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
	TEST(a_directory_is_locked_by_one_at_a_time),
	TEST(waiting_for_programs_ends_after_a_run_that_was_under_way),
	TEST(waiting_for_programs_works_without_the_right_to_make_maps),
	TEST(waiting_leaves_no_descriptor_open),
	TEST(free_memory_goes_back_to_the_system),
	TEST(pages_of_files_are_taken_out_and_come_back_as_they_were),
	TEST(the_memory_lock_limit_is_lifted_by_who_may),
	{},
};
