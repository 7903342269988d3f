// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "error.h"
#include "shim.h"

int shunt_close(int fd)
{
	error_clear();
	return close(fd) ? fail(-errno, "close descriptor %d", fd) : 0;
}

int shunt_pin(int fd, const char *path)
{
	error_clear();
	if (!path)
		return fail(-EINVAL, "pin: no path");
	return bpf_obj_pin(fd, path) ? fail(-errno, "pin at %s", path) : 0;
}

int shunt_open_pinned(const char *path)
{
	int fd;

	error_clear();
	if (!path)
		return fail(-EINVAL, "open pinned: no path");
	fd = bpf_obj_get(path);
	return fd < 0 ? fail(-errno, "open pinned %s", path) : fd;
}

/* "anon_inode:bpf-map", "anon_inode:bpf-prog"; a link is "bpf_link" when made, "bpf-link" later. */
static bool is_of_kind(const char *file, const char *kind)
{
	static const char prefix[] = "anon_inode:bpf";
	const size_t length = sizeof(prefix) - 1;

	return !strncmp(file, prefix, length) && file[length] && !strcmp(file + length + 1, kind);
}

int describe(int fd, const char *kind, void *info, uint32_t size)
{
	char link[32], file[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, file, sizeof(file) - 1);
	if (length < 0)
		return fail(-EBADF, "descriptor %d", fd);
	file[length] = 0;
	if (!is_of_kind(file, kind))
		return fail(-EINVAL, "descriptor %d is %s, not a bpf %s", fd, file, kind);
	if (bpf_obj_get_info_by_fd(fd, info, &size))
		return fail(-errno, "describe descriptor %d", fd);
	return 0;
}
