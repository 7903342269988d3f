// SPDX-License-Identifier: Apache-2.0
/* Runs both parts of a check, each in processes of its own that end with it. */
#define _GNU_SOURCE
#include "run.h"
#include "request.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

/* How long one part may go on when the other has failed: the first failure is not always the cause. */
#define GRACE_MS 500

static void answer(const struct part *sample, int control);
static pid_t start_part(struct part *part, void (*work)(struct part *));
static void enter_cgroup(struct part *part);
static void cgroup_path(char *path, const struct part *part, pid_t pid, const char *file);
static void end_part(const struct part *part, pid_t pid);
static bool await_own(pid_t pid, int control);
static bool await_both(struct part *part, pid_t pid, int control, struct outcome *other);
static bool print_outcome(const char *name, const struct outcome *own, const struct outcome *other);
static struct sockaddr_un unix_address(const char *path);

void serve_checks(const struct part *sample, const char *path)
{
	struct sockaddr_un address = unix_address(path);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	unlink(path);
	if (bind(listener, (void *)&address, sizeof(address)) || listen(listener, 64)) {
		perror(path);
		exit(2);
	}
	/* Nobody waits for those who answer. */
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int control = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (control >= 0 && !fork()) {
			close(listener);
			signal(SIGCHLD, SIG_DFL);
			answer(sample, control);
			_exit(0);
		}
		close(control);
	}
}

static void answer(const struct part *sample, int control)
{
	struct part part = *sample;
	struct request request;
	const struct check *check;
	pid_t pid;

	part.line = receive_request(control, &request);
	check = find_check(request.name);
	if (part.line < 0 || !check)
		return;
	part.is_server = true;
	part.mode = request.mode;
	part.rounds = request.rounds;
	part.pause_ms = request.pause_ms;
	part.seed = request.seed;
	pid = start_part(&part, check->server);
	if (!await_own(pid, control) && !*part.outcome->failure)
		strcpy(part.outcome->failure, "timed out");
	send(control, part.outcome, sizeof(*part.outcome), MSG_NOSIGNAL);
	end_part(&part, pid);
}

bool run_check(const struct check *check, const struct part *sample, const char *path)
{
	struct request request = { .mode = sample->mode,
				   .rounds = sample->rounds,
				   .pause_ms = sample->pause_ms,
				   .seed = sample->seed };
	int control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = unix_address(path);
	struct outcome other = { .failure = "it is not there" };
	struct part part = *sample;
	pid_t pid;

	strcpy(request.name, check->name);
	part.line = -1;
	if (!connect(control, (void *)&address, sizeof(address)))
		part.line = send_request(control, &request);
	pid = start_part(&part, check->client);
	if (!await_both(&part, pid, control, &other) && !*part.outcome->failure)
		strcpy(part.outcome->failure, "timed out");
	end_part(&part, pid);
	return print_outcome(check->name, part.outcome, &other);
}

static pid_t start_part(struct part *part, void (*work)(struct part *))
{
	pid_t pid;

	part->outcome = mmap(NULL, sizeof(*part->outcome), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (pid) {
		close(part->line);
		return pid;
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (part->cgroup)
		enter_cgroup(part);
	work(part);
	_exit(0);
}

static void enter_cgroup(struct part *part)
{
	char path[PATH_MAX];
	int procs;

	cgroup_path(path, part, getpid(), "");
	done(part, "mkdir of a cgroup", mkdir(path, 0755));
	cgroup_path(path, part, getpid(), "/cgroup.procs");
	procs = done(part, "open of a cgroup", open(path, O_WRONLY | O_CLOEXEC));
	done(part, "write to a cgroup", write(procs, "0", 1));
	close(procs);
}

static void cgroup_path(char *path, const struct part *part, pid_t pid, const char *file)
{
	snprintf(path, PATH_MAX, "%s/%d%s", part->cgroup, pid, file);
}

/* The part and whatever it has started. Its number is not free before it has been waited for. */
static void end_part(const struct part *part, pid_t pid)
{
	char path[PATH_MAX];

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (part->cgroup) {
		cgroup_path(path, part, pid, "");
		rmdir(path);
	}
}

/* False if the part has to be ended: it is late, or the client has given up. */
static bool await_own(pid_t pid, int control)
{
	struct pollfd ends[] = { { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
				 { .fd = control, .events = POLLRDHUP } };

	return poll(ends, 2, CHECK_TIMEOUT_MS) > 0 && ends[0].revents;
}

static bool await_both(struct part *part, pid_t pid, int control, struct outcome *other)
{
	struct pollfd ends[] = { { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
				 { .fd = control, .events = POLLIN } };
	int64_t deadline = now_ms() + CHECK_TIMEOUT_MS + GRACE_MS;

	while (ends[0].fd >= 0 || ends[1].fd >= 0) {
		int64_t left = deadline - now_ms();

		if (left <= 0 || poll(ends, 2, left) <= 0)
			break;
		if (ends[0].fd >= 0 && ends[0].revents)
			ends[0].fd = -1;
		if (ends[1].fd >= 0 && ends[1].revents) {
			recv(control, other, sizeof(*other), 0);
			ends[1].fd = -1;
		}
		if ((ends[0].fd < 0 && *part->outcome->failure) ||
		    (ends[1].fd < 0 && *other->failure))
			deadline = now_ms() + GRACE_MS < deadline ? now_ms() + GRACE_MS : deadline;
	}
	if (ends[1].fd >= 0)
		*other->failure = 0;
	return ends[0].fd < 0 && ends[1].fd < 0;
}

/* In one piece, as several checks may run at once. */
static bool print_outcome(const char *name, const struct outcome *own, const struct outcome *other)
{
	bool failed = *own->failure || *other->failure;
	char line[1200];
	int length;

	if (failed)
		length = snprintf(line, sizeof(line), "not ok %s:%s%s%s%s\n", name,
				  *own->failure ? " client: " : "", own->failure,
				  *other->failure ? " server: " : "", other->failure);
	else if (*own->seen || *other->seen)
		length = snprintf(line, sizeof(line), "saw %s: %s%s%s\n", name, own->seen,
				  *own->seen && *other->seen ? ", " : "", other->seen);
	else
		length = snprintf(line, sizeof(line), "ok %s\n", name);
	return write(STDOUT_FILENO, line, length) == length && !failed;
}

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}
