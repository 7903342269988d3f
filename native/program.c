// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "shim.h"

int shunt_program_fd_by_id(uint32_t id)
{
	int fd;

	error_clear();
	fd = bpf_prog_get_fd_by_id(id);
	return fd < 0 ? fail(-errno, "open program %u", id) : fd;
}

int shunt_program_info(int fd, uint64_t *out)
{
	struct bpf_prog_info info = {};
	uint64_t tag;
	int error;

	error_clear();
	error = describe(fd, KIND_PROGRAM, &info, sizeof(info));
	if (error)
		return error;
	if (!out)
		return fail(-EINVAL, "program info: nowhere to write");
	memcpy(&tag, info.tag, sizeof(tag));
	out[0] = info.id;
	out[1] = info.type;
	out[2] = info.run_cnt;
	out[3] = info.run_time_ns;
	out[4] = be64toh(tag);
	out[5] = info.nr_map_ids;
	return 0;
}

int shunt_program_name(int fd, void *buffer, size_t n)
{
	struct bpf_prog_info info = {};
	size_t length;
	int error;

	error_clear();
	error = describe(fd, KIND_PROGRAM, &info, sizeof(info));
	if (error)
		return error;
	length = strnlen(info.name, sizeof(info.name));
	if (!buffer || n <= length)
		return fail(-ENOSPC, "program name: %zu bytes", length);
	memcpy(buffer, info.name, length);
	((char *)buffer)[length] = 0;
	return length;
}

int shunt_program_map_ids(int fd, uint32_t *ids, uint32_t n)
{
	struct bpf_prog_info info = { .nr_map_ids = n, .map_ids = (uintptr_t)ids };
	int error;

	error_clear();
	if (n && !ids)
		return fail(-EINVAL, "map ids: nowhere to write");
	error = describe(fd, KIND_PROGRAM, &info, sizeof(info));
	return error ? error : (int)info.nr_map_ids;
}

static int open_cgroup(const char *path)
{
	int fd;

	if (!path)
		return fail(-EINVAL, "cgroup: no path");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(-errno, "open cgroup %s", path) : fd;
}

int shunt_cgroup_programs(const char *cgroup, int attach_type, uint32_t *ids, uint32_t n)
{
	uint32_t count = n;
	int fd, error;

	error_clear();
	if (n && !ids)
		return fail(-EINVAL, "cgroup programs: nowhere to write");
	fd = open_cgroup(cgroup);
	if (fd < 0)
		return fd;
	error = bpf_prog_query(fd, attach_type, 0, NULL, ids, &count);
	close(fd);
	/* -ENOSPC: the first n are written and the count is that of all. */
	if (error && error != -ENOSPC)
		return fail(error, "programs of cgroup %s, attach type %d", cgroup, attach_type);
	return count;
}

int64_t shunt_program_run(int fd, void *context, size_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = context, .ctx_size_in = n);

	error_clear();
	if (n > UINT16_MAX || (n && !context))
		return fail(-EINVAL, "run program: a context of %zu bytes", n);
	if (bpf_prog_test_run_opts(fd, &options))
		return fail(-errno, "run program");
	return options.retval;
}

int shunt_attach_cgroup(int program_fd, const char *cgroup, int attach_type)
{
	int cgroup_fd, link_fd;

	error_clear();
	cgroup_fd = open_cgroup(cgroup);
	if (cgroup_fd < 0)
		return cgroup_fd;
	link_fd = bpf_link_create(program_fd, cgroup_fd, attach_type, NULL);
	close(cgroup_fd);
	if (link_fd < 0)
		return fail(link_fd, "attach to cgroup %s, attach type %d", cgroup, attach_type);
	return link_fd;
}

int shunt_attach_tracepoint(int program_fd)
{
	int link_fd;

	error_clear();
	link_fd = bpf_raw_tracepoint_open(NULL, program_fd);
	return link_fd < 0 ? fail(link_fd, "attach to a tracepoint") : link_fd;
}

int shunt_attach_messages(int program_fd, int map_fd)
{
	int error;

	error_clear();
	error = bpf_prog_attach(program_fd, map_fd, BPF_SK_MSG_VERDICT, 0);
	return error ? fail(error, "attach to a sockmap") : 0;
}

int shunt_link_update(int link_fd, int program_fd)
{
	int error;

	error_clear();
	error = bpf_link_update(link_fd, program_fd, NULL);
	return error ? fail(error, "update link") : 0;
}

int shunt_link_detach(int link_fd)
{
	int error;

	error_clear();
	error = bpf_link_detach(link_fd);
	return error ? fail(error, "detach link") : 0;
}

int64_t shunt_link_program_id(int fd)
{
	struct bpf_link_info info = {};
	int error;

	error_clear();
	error = describe(fd, KIND_LINK, &info, sizeof(info));
	return error ? error : (int64_t)info.prog_id;
}

int64_t shunt_link_cgroup_id(int fd)
{
	struct bpf_link_info info = {};
	int error;

	error_clear();
	error = describe(fd, KIND_LINK, &info, sizeof(info));
	if (error)
		return error;
	return info.type == BPF_LINK_TYPE_CGROUP ? (int64_t)info.cgroup.cgroup_id : 0;
}

int shunt_attach_walk(int program_fd, int map_fd)
{
	union bpf_iter_link_info info = { .map.map_fd = map_fd };
	LIBBPF_OPTS(bpf_link_create_opts, options);
	int fd;

	error_clear();
	if (map_fd >= 0) {
		options.iter_info = &info;
		options.iter_info_len = sizeof(info);
	}
	fd = bpf_link_create(program_fd, 0, BPF_TRACE_ITER, &options);
	return fd < 0 ? fail(fd, "attach a walk") : fd;
}

int shunt_open_walk(int link_fd)
{
	int fd;

	error_clear();
	fd = bpf_iter_create(link_fd);
	return fd < 0 ? fail(fd, "open a walk") : fd;
}

int64_t shunt_finish_walk(int walk_fd, size_t step)
{
	char bytes[4096];
	int64_t total = 0;

	error_clear();
	if (step == 0 || step > sizeof(bytes))
		return fail(-EINVAL, "walk in steps of %zu bytes", step);
	for (;;) {
		ssize_t size = read(walk_fd, bytes, step);

		if (size == 0)
			return total;
		/* The kernel pauses after a million things of which nothing was said. */
		if (size < 0 && errno != EAGAIN && errno != EINTR)
			return fail(-errno, "walk");
		total += size > 0 ? size : 0;
	}
}
