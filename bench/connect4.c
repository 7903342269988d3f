// SPDX-License-Identifier: Apache-2.0
/*
 * Kernel time of programs at a cgroup, by BPF statistics, which count while this program runs. It
 * ends with its standard input; until then it reads commands and answers each with a line of JSON:
 *
 *   bare OBJECT CGROUP ENTRIES                   attach bare.bpf.o to the cgroup
 *   choice OBJECT CGROUP TABLES                  attach the choice of choice.bpf.o, which reads the tables pinned there
 *   calls OBJECT CGROUP TABLES                   the same, and its programs that do nothing
 *   put ADDRESS PORT ENDPOINT-ADDRESS PORT       an entry of the bare program's table (TCP)
 *   stats CGROUP                                 {"runs":..,"ns":..} over the cgroup's connect4 programs
 *   all CGROUP                                   the same over all programs that TCP over IPv4 runs there
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bpf/abi.h"
#include "program.h"

#define PROGRAMS_MAX 64

struct endpoint { /* as in bare.bpf.c */
	__be32 address;
	__be32 port;
};

static int bare_frontends = -1;

static void attach_bare(const char *path, const char *cgroup, unsigned int entries);
static void put(const char *address, int port, const char *endpoint_address, int endpoint_port);
static void attach_choice(const char *path, const char *cgroup, const char *tables, bool calls);
static void print_stats(const char *cgroup, const enum bpf_attach_type *of, int type_count);

static const enum bpf_attach_type types[] = { BPF_CGROUP_INET4_CONNECT, BPF_CGROUP_SOCK_OPS,
					      BPF_CGROUP_INET_SOCK_RELEASE };

int main(void)
{
	char line[2048], first[512], second[512], third[512];
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
		else if (sscanf(line, "choice %511s %511s %511s", first, second, third) == 3)
			attach_choice(first, second, third, false);
		else if (sscanf(line, "calls %511s %511s %511s", first, second, third) == 3)
			attach_choice(first, second, third, true);
		else if (sscanf(line, "stats %511s", first) == 1)
			print_stats(first, types, 1);
		else if (sscanf(line, "all %511s", first) == 1)
			print_stats(first, types, sizeof(types) / sizeof(*types));
		else
			fprintf(stderr, "connect4: bad command: %s", line), exit(2);
		fflush(stdout);
	}
	return 0;
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

static void reuse_pinned(struct bpf_map *map, const char *tables)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", tables, bpf_map__name(map));
	fd = bpf_obj_get(path);
	/* What is not pinned is constants. */
	if (fd >= 0 && bpf_map__reuse_fd(map, fd))
		fail("use the table", path);
}

static void attach_choice(const char *path, const char *cgroup, const char *tables, bool calls)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	struct bpf_map *map;

	if (!object)
		fail("open", path);
	bpf_object__for_each_map(map, object) reuse_pinned(map, tables);
	if (bpf_object__load(object))
		fail("load", path);
	/* The links end, and the programs with them, when this process does. */
	bpf_object__for_each_program(program, object)
	{
		bool chooses = !strcmp(bpf_program__name(program), "choice_connect4");

		if ((chooses || calls) && !bpf_program__attach_cgroup(program, open_cgroup(cgroup)))
			fail("attach to", cgroup);
	}
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

static void add_stats(const char *cgroup, enum bpf_attach_type type, unsigned long long *runs,
		      unsigned long long *ns)
{
	__u32 ids[PROGRAMS_MAX], count = PROGRAMS_MAX;
	int cgroup_fd = open_cgroup(cgroup);

	if (bpf_prog_query(cgroup_fd, type, 0, NULL, ids, &count))
		fail("query programs of", cgroup);
	for (__u32 i = 0; i < count; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(ids[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
			fail("read statistics of a program at", cgroup);
		*runs += info.run_cnt;
		*ns += info.run_time_ns;
		close(fd);
	}
	close(cgroup_fd);
}

static void print_stats(const char *cgroup, const enum bpf_attach_type *of, int type_count)
{
	unsigned long long runs = 0, ns = 0;

	for (int i = 0; i < type_count; i++)
		add_stats(cgroup, of[i], &runs, &ns);
	printf("{\"runs\":%llu,\"ns\":%llu}\n", runs, ns);
}
