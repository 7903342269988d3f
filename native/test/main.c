// SPDX-License-Identifier: Apache-2.0
/* Runs all tests of the shim. Root is needed: without it they fail. */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim.h"
#include "test.h"

char own_cgroup[PATH_MAX], own_bpffs[PATH_MAX], own_directory[PATH_MAX];

static const char *samples;
static int failures;

void check(int holds, const char *expression, const char *file, int line)
{
	char why[4096];

	if (holds)
		return;
	failures++;
	shunt_last_error(why, sizeof(why));
	fprintf(stderr, "%s:%d: not so: %s\n%s%s", file, line, expression,
		*why ? "last error: " : "", why);
}

void check_is(long long have, long long want, const char *expression, const char *file, int line)
{
	char text[512];

	snprintf(text, sizeof(text), "%s is %lld, not %lld", expression, want, have);
	check(have == want, text, file, line);
}

void check_says(const char *words, const char *file, int line)
{
	char text[512], why[16400];

	shunt_last_error(why, sizeof(why));
	snprintf(text, sizeof(text), "the last error says \"%s\"", words);
	check(strstr(why, words) != NULL, text, file, line);
}

/* Exactly as large as the file and freed at once: a read beyond it, or after it, is seen. */
int open_sample(const char *name)
{
	char path[PATH_MAX + 64];
	struct stat stat;
	void *bytes;
	FILE *file;
	int handle = -ENOENT;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", samples, name);
	file = fopen(path, "re");
	if (!file || fstat(fileno(file), &stat)) {
		perror(path);
		exit(1);
	}
	bytes = malloc(stat.st_size);
	if (bytes && fread(bytes, 1, stat.st_size, file) == (size_t)stat.st_size)
		handle = shunt_object_open(bytes, stat.st_size, name);
	fclose(file);
	free(bytes);
	return handle;
}

int load_sample(void)
{
	int handle = open_sample("sample");

	CHECK(handle > 0);
	CHECK_IS(shunt_object_load(handle), 0);
	return handle;
}

static void find_cgroup_root(char *root)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char path[PATH_MAX], type[64];

	while (mounts && fscanf(mounts, "%*s %4095s %63s %*[^\n]", path, type) == 2) {
		if (strcmp(type, "cgroup2"))
			continue;
		strcpy(root, path);
		fclose(mounts);
		return;
	}
	fprintf(stderr, "no cgroup2 mounted\n");
	exit(1);
}

static void leave_no_trace(void)
{
	rmdir(own_cgroup);
	umount(own_bpffs);
	rmdir(own_bpffs);
	rmdir(own_directory);
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void prepare(void)
{
	char root[PATH_MAX];

	strcpy(own_directory, P_tmpdir "/shunt-native-XXXXXX");
	must(mkdtemp(own_directory) != NULL, own_directory);
	snprintf(own_bpffs, PATH_MAX, "%.64s/bpf", own_directory);
	find_cgroup_root(root);
	snprintf(own_cgroup, PATH_MAX, "%.2048s/shunt-native-%d", root, getpid());
	atexit(leave_no_trace);
	must(!mkdir(own_bpffs, 0700), own_bpffs);
	must(!mkdir(own_cgroup, 0700), own_cgroup);
	/* What the tests mount is seen by them alone. */
	must(!unshare(CLONE_NEWNS), "unshare");
	must(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make mounts private");
	must(!shunt_mount_bpffs(own_bpffs), own_bpffs);
}

static int run(const struct test *tests, int *failed)
{
	int passed = 0;

	for (; tests->name; tests++) {
		failures = 0;
		tests->run();
		printf("%s %s\n", failures ? "not ok" : "ok", tests->name);
		*failed += failures > 0;
		passed += failures == 0;
	}
	return passed;
}

int main(int argc, char **argv)
{
	int passed, failed = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: runner DIRECTORY-OF-BPF-OBJECTS\n");
		return 2;
	}
	samples = argv[1];
	if (geteuid()) {
		fprintf(stderr, "these tests need root\n");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	prepare();
	passed = run(object_tests, &failed);
	passed += run(map_tests, &failed);
	passed += run(ring_tests, &failed);
	passed += run(program_tests, &failed);
	passed += run(socket_tests, &failed);
	passed += run(system_tests, &failed);
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
