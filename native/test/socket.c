// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim.h"
#include "test.h"

#define NETLINK -1

struct target {
	uint8_t address[16];
	uint16_t port;
	uint16_t zero;
};

/* The map of targets, and the link of the program that ends sockets; NETLINK if there is none. */
struct way {
	int map, link;
};

static int open_numbers_or_targets(const char *map, int *object)
{
	*object = open_sample("sockets");
	CHECK_IS(shunt_object_load(*object), 0);
	return shunt_object_map_fd(*object, map);
}

static struct way by_netlink(void)
{
	int object;
	struct way way = { .map = open_numbers_or_targets("targets", &object), .link = NETLINK };

	CHECK(way.map >= 0);
	CHECK_IS(shunt_object_close(object), 0);
	return way;
}

/* Kernels before 6.5 do not take it: then there is nothing to be tested. */
static bool by_program(struct way *way)
{
	int program, object = open_sample("sockets");

	CHECK_IS(shunt_object_set_autoload(object, "end_targets", 1), 0);
	if (shunt_object_load(object)) {
		CHECK_IS(shunt_object_close(object), 0);
		return false;
	}
	program = shunt_object_program_fd(object, "end_targets");
	way->map = shunt_object_map_fd(object, "targets");
	way->link = shunt_attach_walk(program, -1);
	CHECK(way->map >= 0 && way->link >= 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_object_close(object), 0);
	return true;
}

static void close_way(const struct way *way)
{
	CHECK_IS(shunt_close(way->map), 0);
	if (way->link != NETLINK)
		CHECK_IS(shunt_close(way->link), 0);
}

/* An address of this machine as text, and its port: connected there, or not at all. */
static int open_udp(const char *text, uint16_t port)
{
	struct sockaddr_in ipv4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool is_ipv4 = inet_pton(AF_INET, text, &ipv4.sin_addr) == 1;
	int fd = socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(is_ipv4 || inet_pton(AF_INET6, text, &ipv6.sin6_addr) == 1);
	CHECK(fd >= 0);
	if (port && is_ipv4)
		CHECK_IS(connect(fd, (void *)&ipv4, sizeof(ipv4)), 0);
	else if (port)
		CHECK_IS(connect(fd, (void *)&ipv6, sizeof(ipv6)), 0);
	return fd;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	CHECK_IS(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	return cookie;
}

static void aim(const struct way *way, int fd, const char *text, uint16_t port)
{
	uint64_t cookie = cookie_of(fd);
	struct target target = { .port = htons(port) };
	uint8_t ipv4[4];

	if (inet_pton(AF_INET, text, ipv4) == 1) {
		target.address[10] = target.address[11] = 0xff;
		memcpy(target.address + 12, ipv4, sizeof(ipv4));
	} else {
		CHECK_IS(inet_pton(AF_INET6, text, target.address), 1);
	}
	CHECK_IS(bpf_map_update_elem(way->map, &cookie, &target, BPF_ANY), 0);
}

static bool is_target(const struct way *way, int fd)
{
	uint64_t cookie = cookie_of(fd);
	struct target target;

	return !bpf_map_lookup_elem(way->map, &cookie, &target);
}

/* What the next call on the socket would fail with. */
static int error_of(int fd)
{
	int error = -1;
	socklen_t size = sizeof(error);

	CHECK_IS(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
	return error;
}

static const char *const addresses[] = { "127.0.0.1", "::1", "::ffff:127.0.0.1" };

static void ends_connected_sockets(const struct way *way)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		int fd = open_udp(addresses[i], 9), other = open_udp(addresses[i], 9);

		aim(way, fd, addresses[i], 9);
		CHECK_IS(shunt_end_sockets(own_directory, way->map, way->link), 0);
		CHECK_IS(error_of(fd), ECONNABORTED);
		CHECK_IS(error_of(other), 0);
		CHECK(!is_target(way, fd));
		CHECK_IS(close(fd), 0);
		CHECK_IS(close(other), 0);
	}
}

static void lets_be(const struct way *way, int fd)
{
	CHECK_IS(shunt_end_sockets(own_directory, way->map, way->link), 0);
	CHECK_IS(error_of(fd), 0);
	CHECK(is_target(way, fd));
	CHECK_IS(close(fd), 0);
}

static void lets_sockets_be_that_are_connected_elsewhere(const struct way *way)
{
	int fd = open_udp("127.0.0.1", 9);

	aim(way, fd, "127.0.0.1", 10);
	lets_be(way, fd);
	fd = open_udp("127.0.0.1", 9);
	aim(way, fd, "127.0.0.2", 9);
	lets_be(way, fd);
	fd = open_udp("127.0.0.1", 0);
	aim(way, fd, "127.0.0.1", 9);
	lets_be(way, fd);
}

struct place {
	const char *name;
	int sockets[200];
	int count;
};

static void set_up_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK_IS(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	CHECK_IS(close(fd), 0);
}

static void *make_place(void *argument)
{
	struct place *place = argument;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.64s/%s", own_directory, place->name);
	CHECK_IS(unshare(CLONE_NEWNET), 0);
	set_up_loopback();
	CHECK_IS(close(open(path, O_CREAT | O_CLOEXEC, 0600)), 0);
	CHECK_IS(mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL), 0);
	for (int i = 0; i < place->count; i++)
		place->sockets[i] = open_udp(addresses[i % 3], 9);
	return NULL;
}

/* A network namespace with sockets in it, as pods have them; the directory has other things too. */
static void open_place(struct place *place)
{
	pthread_t thread;

	CHECK_IS(pthread_create(&thread, NULL, make_place, place), 0);
	CHECK_IS(pthread_join(thread, NULL), 0);
}

static void close_place(const struct place *place)
{
	char path[PATH_MAX];

	for (int i = 0; i < place->count; i++)
		CHECK_IS(close(place->sockets[i]), 0);
	snprintf(path, sizeof(path), "%.64s/%s", own_directory, place->name);
	CHECK_IS(umount(path), 0);
	CHECK_IS(unlink(path), 0);
}

static void own_namespace(char *name, size_t size)
{
	ssize_t length = readlink("/proc/thread-self/ns/net", name, size - 1);

	CHECK(length > 0);
	name[length > 0 ? length : 0] = 0;
}

static int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

/* A thread is told to have ended a moment before it is gone from /proc, which has "." and ".." too. */
static void check_only_thread(void)
{
	for (int ms = 0; count_entries("/proc/self/task") != 3 && ms < 1000; ms++)
		usleep(1000);
	CHECK_IS(count_entries("/proc/self/task"), 3);
}

static void ends_sockets_of_other_namespaces(const struct way *way)
{
	struct place one = { .name = "one", .count = 200 }, two = { .name = "two", .count = 3 };
	char before[64], after[64];
	int files;

	open_place(&one);
	open_place(&two);
	own_namespace(before, sizeof(before));
	files = count_entries("/proc/self/fd");
	for (int i = 0; i < one.count; i++)
		aim(way, one.sockets[i], addresses[i % 3], 9);
	aim(way, two.sockets[1], addresses[1], 9);
	CHECK_IS(shunt_end_sockets(own_directory, way->map, way->link), 0);

	own_namespace(after, sizeof(after));
	CHECK(!strcmp(before, after));
	CHECK_IS(count_entries("/proc/self/fd"), files);
	check_only_thread();
	for (int i = 0; i < one.count; i++)
		CHECK_IS(error_of(one.sockets[i]), ECONNABORTED);
	for (int i = 0; i < two.count; i++)
		CHECK_IS(error_of(two.sockets[i]), i == 1 ? ECONNABORTED : 0);
	close_place(&one);
	close_place(&two);
}

static void with_both(void (*test)(const struct way *way))
{
	struct way way = by_netlink();

	test(&way);
	close_way(&way);
	if (!by_program(&way))
		return;
	test(&way);
	close_way(&way);
}

static void connected_udp_sockets_are_ended(void)
{
	with_both(ends_connected_sockets);
}

/* Not the program of these tests, which trusts its map. */
static void sockets_that_are_connected_elsewhere_are_not(void)
{
	struct way way = by_netlink();

	lets_sockets_be_that_are_connected_elsewhere(&way);
	close_way(&way);
}

static void sockets_of_other_namespaces_are_ended_and_nothing_stays_behind(void)
{
	with_both(ends_sockets_of_other_namespaces);
}

static void try_it_on_itself(const struct way *way)
{
	int files = count_entries("/proc/self/fd");
	uint64_t first;

	CHECK_IS(shunt_probe_end_sockets(way->map, way->link), 1);
	CHECK_IS(count_entries("/proc/self/fd"), files);
	CHECK_IS(bpf_map_get_next_key(way->map, NULL, &first), -ENOENT);
}

static void whether_it_works_is_found_by_trying(void)
{
	with_both(try_it_on_itself);
}

static void what_is_no_namespace_is_passed_over(void)
{
	struct way way = by_netlink();
	int far, fd = open_udp("127.0.0.1", 9);
	struct place place = { .name = "zone", .count = 1 };
	char file[128], fifo[128], folder[128], link[128];

	snprintf(file, sizeof(file), "%.64s/file", own_directory);
	snprintf(fifo, sizeof(fifo), "%.64s/fifo", own_directory);
	snprintf(folder, sizeof(folder), "%.64s/folder", own_directory);
	snprintf(link, sizeof(link), "%.64s/link", own_directory);
	CHECK_IS(close(open(file, O_CREAT | O_CLOEXEC, 0600)), 0);
	CHECK_IS(mkfifo(fifo, 0600), 0);
	CHECK_IS(mkdir(folder, 0700), 0);
	CHECK_IS(symlink("/nowhere", link), 0);
	open_place(&place);
	far = place.sockets[0];

	/* One that is nowhere, so that it looks everywhere. */
	aim(&way, fd, "127.0.0.1", 10);
	aim(&way, far, "127.0.0.1", 9);
	CHECK_IS(shunt_end_sockets(own_directory, way.map, NETLINK), 0);
	CHECK_IS(error_of(far), ECONNABORTED);

	close_place(&place);
	CHECK_IS(unlink(file) | unlink(fifo) | rmdir(folder) | unlink(link), 0);
	CHECK_IS(close(fd), 0);
	close_way(&way);
}

static void a_directory_that_is_missing_is_no_error_but_one_that_is_none_is(void)
{
	struct way way = by_netlink();
	int fd = open_udp("127.0.0.1", 9), nowhere = open_udp("127.0.0.1", 9);

	aim(&way, fd, "127.0.0.1", 9);
	aim(&way, nowhere, "127.0.0.1", 10);
	CHECK_IS(shunt_end_sockets("/nowhere", way.map, NETLINK), 0);
	CHECK_IS(error_of(fd), ECONNABORTED);
	CHECK_IS(shunt_end_sockets("/proc/self/stat", way.map, NETLINK), -ENOTDIR);
	CHECK_SAYS("end sockets: /proc/self/stat");
	CHECK_IS(close(fd), 0);
	CHECK_IS(close(nowhere), 0);
	close_way(&way);
}

static void only_a_map_of_targets_is_taken(void)
{
	int object, numbers = open_numbers_or_targets("numbers", &object);

	CHECK_IS(shunt_end_sockets(own_directory, numbers, NETLINK), -EINVAL);
	CHECK_SAYS("keys of 4 bytes, values of 8");
	CHECK_IS(shunt_probe_end_sockets(numbers, NETLINK), -EINVAL);
	CHECK_IS(shunt_end_sockets(own_directory, -1, NETLINK), -EBADF);
	CHECK_IS(shunt_end_sockets(NULL, numbers, NETLINK), -EINVAL);
	CHECK_IS(shunt_close(numbers), 0);
	CHECK_IS(shunt_object_close(object), 0);
}

/* The map was opened by root; its socket is not to be ended by nobody. */
static void nobody_may_end_sockets(void)
{
	struct way way = by_netlink();
	int status = -1, fd = open_udp("127.0.0.1", 9);
	pid_t pid;

	aim(&way, fd, "127.0.0.1", 9);
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		_exit(shunt_end_sockets(own_directory, way.map, NETLINK) == -EPERM ? 0 : 2);
	}
	CHECK_IS(waitpid(pid, &status, 0), pid);
	CHECK_IS(status, 0);
	CHECK_IS(error_of(fd), 0);
	CHECK_IS(close(fd), 0);
	close_way(&way);
}

static void a_walk_over_a_map_is_read_to_its_end(void)
{
	int object, numbers = open_numbers_or_targets("numbers", &object);
	int program = shunt_object_program_fd(object, "list_numbers");
	int link = shunt_attach_walk(program, numbers);
	int walk = shunt_open_walk(link);
	uint64_t number, sum = 0;

	CHECK(link >= 0 && walk >= 0);
	CHECK_IS(read(walk, &number, sizeof(number)), 0);
	for (uint32_t key = 0; key < 100000; key += 1000) {
		number = key + 1;
		CHECK_IS(bpf_map_update_elem(numbers, &key, &number, BPF_ANY), 0);
	}
	CHECK_IS(shunt_close(walk), 0);
	walk = shunt_open_walk(link);
	while (read(walk, &number, sizeof(number)) == sizeof(number))
		sum += number;
	CHECK_IS(sum, 100 + 1000 * (99 * 100 / 2));
	CHECK_IS(shunt_close(walk), 0);

	walk = shunt_open_walk(link);
	CHECK_IS(shunt_finish_walk(walk, 0), -EINVAL);
	CHECK_IS(shunt_finish_walk(walk, 4097), -EINVAL);
	CHECK_SAYS("walk in steps of 4097 bytes");
	CHECK_IS(shunt_finish_walk(walk, 24), 100 * sizeof(number));
	CHECK_IS(shunt_finish_walk(program, 24), -EINVAL);

	CHECK_IS(shunt_attach_walk(program, -1), -EBADF);
	CHECK_SAYS("attach a walk");
	CHECK_IS(shunt_open_walk(program), -EINVAL);
	CHECK_SAYS("open a walk");
	CHECK_IS(shunt_close(walk), 0);
	CHECK_IS(shunt_close(link), 0);
	CHECK_IS(shunt_close(program), 0);
	CHECK_IS(shunt_close(numbers), 0);
	CHECK_IS(shunt_object_close(object), 0);
}

const struct test socket_tests[] = {
	TEST(connected_udp_sockets_are_ended),
	TEST(sockets_that_are_connected_elsewhere_are_not),
	TEST(sockets_of_other_namespaces_are_ended_and_nothing_stays_behind),
	TEST(whether_it_works_is_found_by_trying),
	TEST(what_is_no_namespace_is_passed_over),
	TEST(a_directory_that_is_missing_is_no_error_but_one_that_is_none_is),
	TEST(only_a_map_of_targets_is_taken),
	TEST(nobody_may_end_sockets),
	TEST(a_walk_over_a_map_is_read_to_its_end),
	{},
};
