// SPDX-License-Identifier: Apache-2.0
/*
 * same-node-test OBJECT CGROUP_PARENT
 *
 * Whether connections that are joined socket to socket behave as TCP does on this kernel: not its
 * version tells, but what it does. One line per check on stdout:
 *
 *     ok NAME
 *     not ok NAME: why
 *
 * Exit status 0: all is well. 1: something is not. 2: it could not run; a line `cannot run: why`.
 *
 * There are three processes. The second one outlives the first to remove the cgroup in which the
 * third one runs the checks; everything else goes with that one.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "complaint.h"
#include "place.h"
#include "programs.h"
#include "stream.h"

#define TIMEOUT_S 15

static bool report(const char *name, bool holds)
{
	if (holds)
		printf("ok %s\n", name);
	else
		printf("not ok %s: %s\n", name, complaint());
	return holds;
}

static bool run_check(const struct check *check)
{
	struct pair pair = {};
	bool holds;

	forget_complaint();
	holds = open_joined_pair(&pair, check->family) && check->run(&pair);
	turn(false);
	close_pair(&pair);
	return report(check->name, holds);
}

static bool run_checks(const struct check *checks)
{
	bool hold = true;

	for (; checks->name; checks++)
		if (has_addresses(checks->family) && !run_check(checks))
			hold = false;
	return hold;
}

static bool run_all(void)
{
	struct pair parting;
	bool hold, parts;

	/* Without them there is nothing to be looked at. */
	if (!run_checks(join_checks))
		return false;
	forget_complaint();
	parts = begin_parting(&parting);
	if (!parts)
		report("parts", false);
	/* All of them, whatever the first ones say. */
	hold = run_checks(memory_checks) & run_checks(wake_checks) & run_checks(order_checks) &
	       run_checks(end_checks) & run_checks(send_checks);
	if (!parts)
		return false;
	forget_complaint();
	return report("parts", end_parting(&parting)) && hold;
}

/* Not below the parent, if that is where it had to stay: then nothing would be joined. */
static void check_place(void)
{
	struct pair pair;
	int sockets = open_pair(&pair, AF_INET) ? walk() : -1;

	close_pair(&pair);
	if (sockets < 0)
		give_up("%s", complaint());
	if (!sockets)
		give_up("the programs do not see the sockets of this process");
}

static int run_there(const char *object)
{
	int cgroup = open_cgroup();

	enter_cgroup();
	enter_namespace();
	attach_programs(object, cgroup);
	check_place();
	return !run_all();
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return STATUS_GAVE_UP;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	printf("cannot run: it was ended by signal %d\n", WTERMSIG(status));
	return STATUS_GAVE_UP;
}

static volatile pid_t watched;

static void end_watched(int number)
{
	(void)number;
	kill(watched, SIGKILL);
}

/* What would end the guard, short of SIGKILL, ends the test, and after that the cgroup goes. */
static void catch_signals(sigset_t *before)
{
	const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM };
	struct sigaction action = { .sa_handler = end_watched };
	sigset_t caught;

	sigemptyset(&caught);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&caught, numbers[i]);
	}
	/* Until there is somebody to be ended. */
	sigprocmask(SIG_BLOCK, &caught, before);
}

static int guard(const char *object, const char *cgroup_parent, pid_t parent)
{
	sigset_t before;
	int status;

	catch_signals(&before);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return STATUS_GAVE_UP;
	make_cgroup(cgroup_parent);
	watched = start_process();
	if (!watched) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		exit(run_there(object));
	}
	alarm(TIMEOUT_S);
	if (watched > 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	status = watched > 0 ? wait_status(watched) : STATUS_GAVE_UP;
	remove_cgroup();
	return status;
}

int main(int argc, char **argv)
{
	pid_t own = getpid(), guardian;

	if (argc != 3)
		give_up("usage: same-node-test OBJECT CGROUP_PARENT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Whoever reads the report may go first. */
	signal(SIGPIPE, SIG_IGN);
	forget_complaint();
	guardian = fork();
	if (guardian)
		return guardian < 0 ? STATUS_GAVE_UP : wait_status(guardian);
	setsid();
	return guard(argv[1], argv[2], own);
}
