// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel time of connect4 programs, by BPF statistics, which count while this program runs. It
 * ends with its standard input; until then it reads commands and answers each with a line of JSON:
 *
 *   bare OBJECT CGROUP ENTRIES                   attach bare.bpf.o to the cgroup
 *   put ADDRESS PORT ENDPOINT-ADDRESS PORT       an entry of the bare program's table (TCP)
 *   stats CGROUP                                 {"runs":..,"ns":..} over the cgroup's connect4 programs
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/abi.h"

#define PROGRAMS_MAX 64

struct endpoint { /* as in bare.bpf.c */
	__be32 address;
	__be32 port;
};

static int bare_frontends = -1;

static void attach_bare(const char *path, const char *cgroup, unsigned int entries);
static void put(const char *address, int port, const char *endpoint_address, int endpoint_port);
static void print_stats(const char *cgroup);

int main(void)
{
	char line[1024], first[512], second[512];
	int port, endpoint_port;
	unsigned int entries;

	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0) {
		perror("connect4: enable BPF statistics");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "bare %511s %511s %u", first, second, &entries) == 3)
			attach_bare(first, second, entries);
		else if (sscanf(line, "put %511s %d %511s %d", first, &port, second,
				&endpoint_port) == 4)
			put(first, port, second, endpoint_port);
		else if (sscanf(line, "stats %511s", first) == 1)
			print_stats(first);
		else
			fprintf(stderr, "connect4: bad command: %s", line), exit(2);
		fflush(stdout);
	}
	return 0;
}

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "connect4: %s %s: %s\n", what, which, strerror(errno));
	exit(1);
}

static int open_cgroup(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fail("open", path);
	return fd;
}

static void attach_bare(const char *path, const char *cgroup, unsigned int entries)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object)
		fail("open", path);
	map = bpf_object__find_map_by_name(object, "bare_frontends");
	program = bpf_object__find_program_by_name(object, "bare_connect4");
	if (!map || !program || bpf_map__set_max_entries(map, entries) || bpf_object__load(object))
		fail("load", path);
	/* The link ends, and the program with it, when this process does. */
	if (!bpf_program__attach_cgroup(program, open_cgroup(cgroup)))
		fail("attach to", cgroup);
	bare_frontends = bpf_map__fd(map);
	printf("{}\n");
}

static void put(const char *address, int port, const char *endpoint_address, int endpoint_port)
{
	struct frontend_key key = {
		.address.word[2] = htonl(0xffff),
		.port = htons(port),
		.protocol = IPPROTO_TCP,
	};
	struct endpoint endpoint = { .port = htons(endpoint_port) };

	if (inet_pton(AF_INET, address, &key.address.word[3]) != 1 ||
	    inet_pton(AF_INET, endpoint_address, &endpoint.address) != 1) {
		fprintf(stderr, "connect4: not an address: %s or %s\n", address, endpoint_address);
		exit(2);
	}
	if (bpf_map_update_elem(bare_frontends, &key, &endpoint, BPF_NOEXIST))
		fail("put", address);
	printf("{}\n");
}

static void print_stats(const char *cgroup)
{
	__u32 ids[PROGRAMS_MAX], count = PROGRAMS_MAX;
	int cgroup_fd = open_cgroup(cgroup);
	unsigned long long runs = 0, ns = 0;

	if (bpf_prog_query(cgroup_fd, BPF_CGROUP_INET4_CONNECT, 0, NULL, ids, &count))
		fail("query programs of", cgroup);
	for (__u32 i = 0; i < count; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(ids[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			fail("read statistics of a program at", cgroup);
		runs += info.run_cnt;
		ns += info.run_time_ns;
		close(fd);
	}
	close(cgroup_fd);
	printf("{\"runs\":%llu,\"ns\":%llu}\n", runs, ns);
}
