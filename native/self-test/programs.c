// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../bpf/abi.h"
#include "complaint.h"
#include "place.h"
#include "programs.h"

/* Of each table. Places for connections to Services are not needed, and as many as the programs expect unless told. */
#define ENTRIES_MAX 4096

static int control, ends, joined, stats, walk_link;

static int map_of(const struct bpf_object *object, const char *name, size_t value_size)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map)
		give_up("there is no table %s", name);
	if (bpf_map__value_size(map) != value_size)
		give_up("table %s has records of %u bytes, not %zu", name, bpf_map__value_size(map),
			value_size);
	return bpf_map__fd(map);
}

static int program_of(const struct bpf_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	if (!program)
		give_up("there is no program %s", name);
	return bpf_program__fd(program);
}

static void make_small(struct bpf_object *object)
{
	struct bpf_map *map;
	uint32_t entries;

	bpf_object__for_each_map(map, object)
	{
		entries = strcmp(bpf_map__name(map), "connections") ? ENTRIES_MAX : 1;
		if (bpf_map__max_entries(map) > entries)
			bpf_map__set_max_entries(map, entries);
	}
}

static struct bpf_object *load(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	int error;

	if (!object)
		give_up("open %s: %s", path, strerror(errno));
	make_small(object);
	error = bpf_object__load(object);
	if (error)
		give_up("load %s: %s", path, strerror(-error));
	return object;
}

static void attach_tracepoint(const struct bpf_object *object, const char *name)
{
	int fd = bpf_raw_tracepoint_open(NULL, program_of(object, name));

	if (fd < 0)
		give_up("attach %s: %s", name, strerror(-fd));
}

static void attach_all(const struct bpf_object *object, int cgroup)
{
	union bpf_iter_link_info info = { .map.map_fd = bpf_object__find_map_fd_by_name(
						  object, "candidates") };
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	int error;

	walk_link = bpf_link_create(program_of(object, "shunt_same_node_walk"), 0, BPF_TRACE_ITER,
				    &options);
	if (walk_link < 0)
		give_up("attach the walk: %s", strerror(-walk_link));
	attach_tracepoint(object, "shunt_same_node_read");
	error = bpf_prog_attach(program_of(object, "shunt_same_node_message"), joined,
				BPF_SK_MSG_VERDICT, 0);
	if (error)
		give_up("attach to the joined sockets: %s", strerror(-error));
	error = bpf_link_create(program_of(object, "shunt_same_node_establish"), cgroup,
				BPF_CGROUP_SOCK_OPS, NULL);
	if (error < 0)
		give_up("attach to the cgroup: %s", strerror(-error));
}

static void add_end(int family, const char *address)
{
	struct end_key key = { .address.word[2] = htonl(0xffff) };
	uint32_t mode = END_REDIRECT;
	void *place = family == AF_INET ? (void *)&key.address.word[3] : (void *)&key.address;

	inet_pton(family, address, place);
	if (bpf_map_update_elem(ends, &key, &mode, BPF_ANY))
		give_up("write into the table of ends: %s", strerror(errno));
}

void attach_programs(const char *path, int cgroup)
{
	struct bpf_object *object = load(path);

	control = map_of(object, "control", sizeof(struct same_node_control));
	ends = map_of(object, "ends", sizeof(uint32_t));
	joined = map_of(object, "joined", sizeof(uint64_t));
	stats = map_of(object, "same_node_stats", sizeof(struct same_node_stats));
	attach_all(object, cgroup);
	add_end(AF_INET, CLIENT_IPV4);
	add_end(AF_INET, SERVER_IPV4);
	add_end(AF_INET6, CLIENT_IPV6);
	add_end(AF_INET6, SERVER_IPV6);
	turn(false);
}

void turn(bool off)
{
	struct same_node_control value = { .off = off, .generation = 1, .watched = 1 };
	uint32_t first = 0;

	if (bpf_map_update_elem(control, &first, &value, BPF_ANY))
		give_up("turn redirection %s: %s", off ? "off" : "on", strerror(errno));
}

int walk(void)
{
	int fd = bpf_iter_create(walk_link), sockets = 0;
	char seen[4096];
	ssize_t count;

	if (fd < 0) {
		complain("open a walk: %s", strerror(-fd));
		return -1;
	}
	do {
		count = read(fd, seen, sizeof(seen));
		if (count > 0)
			sockets += count;
	} while (count > 0 || (count < 0 && errno == EAGAIN));
	close(fd);
	if (!count)
		return sockets;
	complain_errno("walk");
	return -1;
}

bool is_joined(int socket)
{
	uint64_t cookie, found;
	socklen_t length = sizeof(cookie);

	return !getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &length) &&
	       !bpf_map_lookup_elem(joined, &cookie, &found);
}

struct messages count_messages(void)
{
	int cpus = libbpf_num_possible_cpus();
	struct same_node_stats *each = calloc(cpus, sizeof(*each));
	struct messages sum = {};
	uint32_t first = 0;

	if (!each || bpf_map_lookup_elem(stats, &first, each))
		give_up("read statistics: %s", strerror(errno));
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.redirected += each[cpu].messages;
		for (int why = 0; why < FALLBACK_COUNT; why++)
			sum.fallen_back += each[cpu].fallbacks[why];
	}
	free(each);
	return sum;
}
