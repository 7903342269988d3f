// SPDX-License-Identifier: Apache-2.0
/* The ways in which connections end, each counted as what the client was told. */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of a SYN the kernel waits a second at least, whatever it is told. */
#define SYN_TIMEOUT_MS 500
#define TIMEOUT_MS 300
/* Connections that end together, when their process is killed. */
#define DOOMED 64
#define DATAGRAM_TIMEOUT_US 300000
#define DATAGRAM_TRIES 20

enum ending {
	END_BY_CLIENT,
	END_BY_SERVER,
	END_RESET_BY_SERVER,
	END_RESET_BY_CLIENT,
	END_RESET_AFTER_HALF,
	END_KILLED,
	END_UNHEARD,
};

/* Percent. What takes long is rare. */
static enum ending draw_ending(struct random *random)
{
	unsigned int drawn = random_next(random) % 100;

	return drawn < 30   ? END_BY_CLIENT
	       : drawn < 50 ? END_BY_SERVER
	       : drawn < 65 ? END_RESET_BY_SERVER
	       : drawn < 80 ? END_RESET_BY_CLIENT
	       : drawn < 88 ? END_RESET_AFTER_HALF
	       : drawn < 98 ? END_KILLED
			    : END_UNHEARD;
}

static struct tally *tally_at(struct worker *worker, unsigned int target, unsigned int server)
{
	return &worker->tallies->of[target][server];
}

/* Counts what the client was told: an orderly end, a reset, or something else. */
static void count_end(struct tally *tally, int error)
{
	tally->closed++;
	if (error == ECONNRESET || error == EPIPE)
		tally->reset++;
	else if (error)
		tally->broken++;
}

static int error_of(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
		fail("ask for the error of a socket");
	return error;
}

static void finish_oldest(struct worker *worker)
{
	const struct waiting *waiting = &worker->waiting[worker->first];
	struct tally *tally = tally_at(worker, waiting->target, waiting->server);
	struct pollfd pollfd = { .fd = waiting->fd };
	int error;

	while (poll(&pollfd, 1, -1) != 1)
		;
	error = error_of(waiting->fd);
	if (waiting->established)
		count_end(tally, error);
	else
		count_failure(&targets[waiting->target], tally, error);
	close(waiting->fd);
	worker->first = (worker->first + 1) % WAITING_MAX;
	worker->count--;
}

static void wait_for(struct worker *worker, struct waiting waiting)
{
	if (worker->count == WAITING_MAX)
		finish_oldest(worker);
	worker->waiting[(worker->first + worker->count++) % WAITING_MAX] = waiting;
}

static int connect_now(struct worker *worker, const struct target *target, int flags, int *fd)
{
	struct sockaddr_storage address;
	socklen_t length;

	*fd = open_socket(target, &worker->random, flags, &address, &length);
	return connect(*fd, (void *)&address, length) ? errno : 0;
}

/* Reads to whatever end there is. */
static int read_end(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, 0);

	if (got > 0)
		fail("read more than was asked for");
	return got ? errno : 0;
}

static enum then then_of(enum ending ending)
{
	switch (ending) {
	case END_BY_SERVER:
		return THEN_CLOSE;
	case END_RESET_BY_SERVER:
		return THEN_RESET;
	case END_RESET_AFTER_HALF:
		return THEN_RESET_AT_END;
	case END_UNHEARD:
		return THEN_HEAR_NOTHING;
	default:
		return THEN_GO_ON;
	}
}

static int end_now(int fd, enum ending ending)
{
	int error = 0;

	switch (ending) {
	case END_RESET_AFTER_HALF:
		if (shutdown(fd, SHUT_WR))
			fail("close one half");
		error = read_end(fd);
		break;
	case END_BY_SERVER:
	case END_RESET_BY_SERVER:
		error = read_end(fd);
		break;
	case END_RESET_BY_CLIENT:
		set_reset_on_close(fd);
		break;
	default:
		break;
	}
	close(fd);
	return error;
}

static void ask_doomed(struct worker *worker, unsigned int target, unsigned int count);

static void attempt_answered(struct worker *worker, const struct target *target, unsigned int index)
{
	enum ending ending = draw_ending(&worker->random);
	uint64_t sent = 0, received = 0;
	struct tally *tally;
	unsigned int server;
	int fd, error;

	if (ending == END_KILLED && target->kind == KIND_ANSWERS) {
		if (++worker->doomed[index] == DOOMED)
			ask_doomed(worker, index, DOOMED);
		return;
	}
	error = connect_now(worker, target, 0, &fd);
	if (error) {
		count_failure(target, tally_at(worker, index, 0), error);
		close(fd);
		return;
	}
	server = exchange(fd, &worker->random, then_of(ending), &sent, &received);
	tally = tally_at(worker, index, server);
	count_established(tally, sent, received);
	if (ending != END_UNHEARD) {
		count_end(tally, end_now(fd, ending));
		return;
	}
	/* Never acknowledged, and so not counted. */
	set_user_timeout(fd, TIMEOUT_MS);
	if (send(fd, "?", 1, MSG_NOSIGNAL) != 1)
		fail("send to who hears nothing");
	wait_for(worker, (struct waiting){ fd, index, server, true });
}

/* Most give up at once; the others wait for as long as the kernel does. */
static void attempt_silent(struct worker *worker, const struct target *target, unsigned int index)
{
	struct tally *tally = tally_at(worker, index, target->server);
	int fd, error = connect_now(worker, target, SOCK_NONBLOCK, &fd);

	if (error != EINPROGRESS) {
		count_failure(target, tally, error);
		close(fd);
		return;
	}
	if (random_next(&worker->random) % 4) {
		tally->attempts++;
		tally->abandoned++;
		close(fd);
		return;
	}
	set_user_timeout(fd, SYN_TIMEOUT_MS);
	wait_for(worker, (struct waiting){ fd, index, target->server, false });
}

static void attempt_failing(struct worker *worker, const struct target *target, unsigned int index)
{
	int fd, error = connect_now(worker, target, 0, &fd);

	if (!error)
		fail("connect to who should not answer: done");
	count_failure(target,
		      tally_at(worker, index, target->kind == KIND_REJECTS ? 0 : target->server),
		      error);
	close(fd);
}

/* One datagram, to learn who answers. It may be lost, and its answer be late: all say the same. */
static unsigned int ask_by_datagram(int fd)
{
	struct timeval timeout = { .tv_usec = DATAGRAM_TIMEOUT_US };
	char answer[64];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	for (int tries = 0; tries < DATAGRAM_TRIES; tries++) {
		if (send(fd, "who", 3, 0) == 3 && recv(fd, answer, sizeof(answer), 0) > 0)
			return answer[0] < SERVERS_MAX ? answer[0] : 0;
	}
	fail("hear who answers datagrams");
	return 0;
}

static void attempt_datagrams(struct worker *worker, const struct target *target,
			      unsigned int index)
{
	int fd, error = connect_now(worker, target, 0, &fd);
	struct tally *tally;

	if (error) {
		count_failure(target, tally_at(worker, index, 0), error);
		close(fd);
		return;
	}
	tally = tally_at(worker, index, ask_by_datagram(fd));
	count_established(tally, 0, 0);
	tally->closed++;
	close(fd);
}

void attempt(struct worker *worker, const struct target *target, unsigned int index)
{
	switch (target->kind) {
	case KIND_ANSWERS:
	case KIND_ROUTED:
		attempt_answered(worker, target, index);
		break;
	case KIND_SILENT:
		attempt_silent(worker, target, index);
		break;
	case KIND_DATAGRAMS:
		attempt_datagrams(worker, target, index);
		break;
	default:
		attempt_failing(worker, target, index);
	}
}

void finish_all(struct worker *worker)
{
	while (worker->count)
		finish_oldest(worker);
	for (unsigned int target = 0; target < target_count; target++)
		if (worker->doomed[target])
			ask_doomed(worker, target, worker->doomed[target]);
}

static void ask_doomed(struct worker *worker, unsigned int target, unsigned int count)
{
	struct tally counted[SERVERS_MAX];

	worker->doomed[target] = 0;
	doom(target, count, random_next(&worker->random), counted);
	for (unsigned int server = 0; server < SERVERS_MAX; server++)
		tally_add(tally_at(worker, target, server), &counted[server]);
}
