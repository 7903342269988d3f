// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "complaint.h"
#include "stream.h"

#define MESSAGE_MAX 8000

/* After one message in so many the reader may catch up, or all would go by TCP. */
#define PAUSES 8
#define PAUSE_US 100

pid_t start_process(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		complain_errno("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

static bool send_all(struct way *way, size_t size)
{
	size_t left, message;
	ssize_t sent;

	for (left = size; left; left -= sent) {
		message = 1 + pick_below(pick_below(4) ? MESSAGE_MAX : 100);
		sent = send_some(way, message < left ? message : left);
		if (sent < 0)
			return false;
		if (!pick_below(PAUSES))
			usleep(PAUSE_US);
		if (!sent && !wait_for(way->from, POLLOUT))
			return complain("whoever waits for room is not woken up");
	}
	return true;
}

pid_t start_sender(struct way *way, size_t size)
{
	pid_t pid = start_process();

	if (!pid)
		_exit(!send_all(way, size));
	way->sent += size;
	return pid;
}

bool end_process(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return complain("there is no other process");
	return status ? complain("the other process ended with %d", status) : true;
}

/* xorshift32, G. Marsaglia, "Xorshift RNGs", 2003. */
unsigned int pick_below(unsigned int limit)
{
	static uint32_t state = 2463534242;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}
