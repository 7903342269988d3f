// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "error.h"
#include "shim.h"

int shunt_abi_version(void)
{
	return SHUNT_ABI_VERSION;
}

int shunt_enable_stats(void)
{
	int fd;

	error_clear();
	fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return fd < 0 ? fail(fd, "enable BPF statistics") : fd;
}

int shunt_mount_bpffs(const char *path)
{
	error_clear();
	if (!path)
		return fail(-EINVAL, "mount bpffs: no path");
	if (mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return fail(-errno, "mount bpffs at %s", path);
	return 0;
}

int shunt_is_bpffs(const char *path)
{
	struct statfs stats;

	error_clear();
	if (!path)
		return fail(-EINVAL, "is bpffs: no path");
	if (statfs(path, &stats))
		return fail(-errno, "statfs %s", path);
	return stats.f_type == BPF_FS_MAGIC;
}

int shunt_lock(const char *directory)
{
	int fd, error;

	error_clear();
	if (!directory)
		return fail(-EINVAL, "lock: no directory");
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno, "open %s", directory);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = -errno;
	close(fd);
	return fail(error, "lock %s", directory);
}

static int update_map_of_maps(int inner)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = inner);
	uint32_t key = 0;
	int outer, error;

	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "shunt_wait", sizeof(key), sizeof(inner),
			       1, &options);
	if (outer < 0)
		return outer;
	error = bpf_map_update_elem(outer, &key, &inner, BPF_ANY);
	close(outer);
	return error;
}

/*
 * The kernel ends an update of a map of maps with synchronize_rcu(), "so that userspace, when we
 * return to it, knows that all non-sleepable programs that could be running use the new map value"
 * (kernel/bpf/syscall.c, maybe_wait_bpf_programs(); since 4.20, 1ae80cf31938). This is the one way
 * that asks for no more rights than loading the programs did.
 */
static int wait_by_map_of_maps(void)
{
	int inner, error;

	inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "shunt_wait", sizeof(uint32_t), sizeof(uint32_t),
			       1, NULL);
	if (inner < 0)
		return inner;
	error = update_map_of_maps(inner);
	close(inner);
	return error;
}

/*
 * MEMBARRIER_CMD_GLOBAL is synchronize_rcu() too, but nothing on a machine with one CPU, where a
 * preempted program may still be under way, and refused with nohz_full (kernel/sched/membarrier.c).
 */
static int wait_by_membarrier(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return -EOPNOTSUPP;
	return syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? -errno : 0;
}

int shunt_wait_programs(void)
{
	int error;

	error_clear();
	error = wait_by_map_of_maps();
	if (!error)
		return 0;
	fail(error, "wait for running programs by a map of maps");
	error = wait_by_membarrier();
	if (error)
		return fail(error, "wait for running programs by membarrier");
	error_clear();
	return 0;
}

int shunt_possible_cpus(void)
{
	int count;

	error_clear();
	count = libbpf_num_possible_cpus();
	return count < 0 ? fail(count, "possible CPUs") : count;
}

int shunt_trim_memory(void)
{
	error_clear();
	return malloc_trim(0);
}

/* What one entry of /proc/self/smaps says about it, as far as it has been read. */
struct mapping {
	unsigned long start, end;
	bool is_clean_file;
};

/*
 * Private and never written to: then each page is as in the file. A mapping with pages of its own
 * ("Anonymous", such as relocated ones) would lose them.
 */
static bool read_mapping(const char *line, struct mapping *mapping)
{
	char access[5] = "", path[2] = "";
	unsigned long start, end, anonymous;

	if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %*u %1s", &start, &end, access, path) >= 3) {
		*mapping = (struct mapping){ start, end, false };
		mapping->is_clean_file = *path == '/' && access[1] != 'w' && access[3] == 'p';
		return false;
	}
	return sscanf(line, "Anonymous: %lu", &anonymous) == 1 && !anonymous &&
	       mapping->is_clean_file;
}

int shunt_unmap_clean_pages(void)
{
	struct mapping mapping = {};
	char line[PATH_MAX + 128];
	int count = 0;
	FILE *file;

	error_clear();
	file = fopen("/proc/self/smaps", "re");
	if (!file)
		return fail(-errno, "open /proc/self/smaps");
	while (fgets(line, sizeof(line), file))
		if (read_mapping(line, &mapping) &&
		    !madvise((void *)mapping.start, mapping.end - mapping.start, MADV_DONTNEED))
			count++;
	fclose(file);
	return count;
}

int shunt_set_rlimit_memlock(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	error_clear();
	return setrlimit(RLIMIT_MEMLOCK, &unlimited) ? fail(-errno, "raise RLIMIT_MEMLOCK") : 0;
}
