// SPDX-License-Identifier: Apache-2.0
/* Commands of the socket shell: the life of a socket, and what can be asked of it. */
#define _GNU_SOURCE
#include "shell.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static void do_socket(struct reply *reply, char **arguments)
{
	static const struct {
		const char *name;
		int domain, type, protocol;
	} kinds[] = {
		{ "tcp4", AF_INET, SOCK_STREAM, IPPROTO_TCP },
		{ "tcp6", AF_INET6, SOCK_STREAM, IPPROTO_TCP },
		{ "udp4", AF_INET, SOCK_DGRAM, IPPROTO_UDP },
		{ "udp6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
		{ "mptcp4", AF_INET, SOCK_STREAM, IPPROTO_MPTCP },
		{ "mptcp6", AF_INET6, SOCK_STREAM, IPPROTO_MPTCP },
		/* Sends echo requests; the kernel fills in what makes them this socket's. */
		{ "ping4", AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ "ping6", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
	};
	int flags = SOCK_CLOEXEC |
		    (arguments[1] && !strcmp(arguments[1], "nonblock") ? SOCK_NONBLOCK : 0);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, arguments[0])) {
			answer_fd(reply, -1,
				  socket(kinds[i].domain, kinds[i].type | flags,
					 kinds[i].protocol));
			return;
		}
	reply_error(reply, "EPROTONOSUPPORT");
}

static void do_bind(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage address;
	socklen_t length = want_address(reply, arguments + 1, &address);

	if (length)
		answer(reply, fd, bind(fd, (void *)&address, length));
}

static void do_listen(struct reply *reply, char **arguments)
{
	answer(reply, -1,
	       listen(atoi(arguments[0]), arguments[1] ? atoi(arguments[1]) : SOMAXCONN));
}

static void do_accept(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]), accepted;
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	set_time_limit(fd, SO_RCVTIMEO, limit_of(arguments[1]));
	accepted = accept4(fd, (void *)&address, &length, SOCK_CLOEXEC);
	answer_fd(reply, fd, accepted);
	if (accepted >= 0)
		reply_address(reply, &address);
}

static void do_connect(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage address;
	socklen_t length = want_address(reply, arguments + 1, &address);

	if (!length)
		return;
	set_time_limit(fd, SO_SNDTIMEO, limit_of(arguments[3]));
	answer(reply, fd, connect(fd, (void *)&address, length));
}

static void do_connect_unspec(struct reply *reply, char **arguments)
{
	struct sockaddr address = { .sa_family = AF_UNSPEC };

	answer(reply, -1, connect(atoi(arguments[0]), &address, sizeof(address)));
}

struct race {
	int fd;
	long times;
	struct sockaddr_storage address;
	socklen_t length;
	pthread_t thread;
};

static void *race_on(void *argument)
{
	const struct race *race = argument;

	for (long i = 0; i < race->times; i++)
		connect(race->fd, (const void *)&race->address, race->length);
	return NULL;
}

/* Two threads connect one socket at the same time, each to an address of its own, over and over. */
static void do_connect_race(struct reply *reply, char **arguments)
{
	struct race races[2] = {};

	for (int i = 0; i < 2; i++) {
		races[i].fd = atoi(arguments[0]);
		races[i].times = atol(arguments[5]);
		races[i].length = want_address(reply, arguments + 1 + 2 * i, &races[i].address);
		if (!races[i].length)
			return;
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&races[i].thread, NULL, race_on, &races[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(races[i].thread, NULL);
	reply_ok(reply);
}

static void answer_name(struct reply *reply, char **arguments,
			int (*name)(int fd, struct sockaddr *address, socklen_t *length))
{
	struct sockaddr_storage address = {};
	socklen_t length = sizeof(address);

	if (name(atoi(arguments[0]), (void *)&address, &length) < 0)
		reply_errno(reply, -1);
	else
		reply_address(reply, &address);
}

static void do_getpeername(struct reply *reply, char **arguments)
{
	answer_name(reply, arguments, getpeername);
}

static void do_getsockname(struct reply *reply, char **arguments)
{
	answer_name(reply, arguments, getsockname);
}

static const struct option {
	const char *name;
	int level, option;
} options[] = {
	{ "so_error", SOL_SOCKET, SO_ERROR },
	{ "so_protocol", SOL_SOCKET, SO_PROTOCOL },
	{ "so_cookie", SOL_SOCKET, SO_COOKIE },
	{ "so_reuseaddr", SOL_SOCKET, SO_REUSEADDR },
	{ "so_reuseport", SOL_SOCKET, SO_REUSEPORT },
	{ "so_rcvbuf", SOL_SOCKET, SO_RCVBUF },
	{ "so_sndbuf", SOL_SOCKET, SO_SNDBUF },
	{ "so_keepalive", SOL_SOCKET, SO_KEEPALIVE },
	{ "so_mark", SOL_SOCKET, SO_MARK },
	{ "tcp_nodelay", IPPROTO_TCP, TCP_NODELAY },
	{ "tcp_syncnt", IPPROTO_TCP, TCP_SYNCNT },
	{ "tcp_user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT },
	{ "tcp_fastopen_connect", IPPROTO_TCP, TCP_FASTOPEN_CONNECT },
	{ "tcp_fastopen", IPPROTO_TCP, TCP_FASTOPEN },
	{ "ip_recverr", IPPROTO_IP, IP_RECVERR },
	{ "ipv6_v6only", IPPROTO_IPV6, IPV6_V6ONLY },
};

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].name, name))
			return &options[i];
	return NULL;
}

/* An error that waits on the socket is answered by name; any other option as a number. */
static void do_getsockopt(struct reply *reply, char **arguments)
{
	const struct option *option = find_option(arguments[1]);
	/* SO_COOKIE is 64 bits wide, the others are int: little endian or not, they start at the same byte. */
	union {
		int32_t narrow;
		uint64_t wide;
	} value = {};
	socklen_t length =
		option && option->option == SO_COOKIE && option->level == SOL_SOCKET ? 8 : 4;
	bool wide = length == 8;

	if (!option)
		reply_error(reply, "ENOPROTOOPT");
	else if (getsockopt(atoi(arguments[0]), option->level, option->option, &value, &length) < 0)
		reply_errno(reply, -1);
	else if (wide)
		fprintf(reply->out, ",\"value\":\"%llu\"", (unsigned long long)value.wide);
	else if (option->option == SO_ERROR && option->level == SOL_SOCKET && value.narrow)
		reply_error(reply, strerrorname_np(value.narrow));
	else
		reply_number(reply, "value", value.narrow);
}

static void do_setsockopt(struct reply *reply, char **arguments)
{
	const struct option *option = find_option(arguments[1]);
	int value = atoi(arguments[2]);

	if (!option)
		reply_error(reply, "ENOPROTOOPT");
	else
		answer(reply, -1,
		       setsockopt(atoi(arguments[0]), option->level, option->option, &value,
				  sizeof(value)));
}

static void do_poll(struct reply *reply, char **arguments)
{
	struct pollfd wait = {
		.fd = atoi(arguments[0]),
		.events = strcmp(arguments[1], "out") ? POLLIN : POLLOUT,
	};
	static const struct {
		short bit;
		const char *name;
	} names[] = { { POLLIN, "in" },
		      { POLLOUT, "out" },
		      { POLLERR, "err" },
		      { POLLHUP, "hup" },
		      { POLLNVAL, "nval" } };
	const char *comma = "";

	if (poll(&wait, 1, limit_of(arguments[2])) < 0) {
		reply_errno(reply, -1);
		return;
	}
	fputs(",\"events\":[", reply->out);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (wait.revents & names[i].bit) {
			fprintf(reply->out, "%s\"%s\"", comma, names[i].name);
			comma = ",";
		}
	fputc(']', reply->out);
}

static void do_shutdown(struct reply *reply, char **arguments)
{
	int how = !strcmp(arguments[1], "read")	   ? SHUT_RD
		  : !strcmp(arguments[1], "write") ? SHUT_WR
						   : SHUT_RDWR;

	answer(reply, -1, shutdown(atoi(arguments[0]), how));
}

static void do_close(struct reply *reply, char **arguments)
{
	answer(reply, -1, close(atoi(arguments[0])));
}

static void do_reset(struct reply *reply, char **arguments)
{
	set_reset_on_close(atoi(arguments[0]));
	do_close(reply, arguments);
}

static void do_dup(struct reply *reply, char **arguments)
{
	answer_fd(reply, -1, fcntl(atoi(arguments[0]), F_DUPFD_CLOEXEC, 0));
}

/* A child that holds a copy of every socket until it is killed. It dies with the shell. */
static void do_fork_hold(struct reply *reply, char **arguments)
{
	pid_t child = fork();

	(void)arguments;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Only the shell may hold its own input and output. */
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		for (;;)
			pause();
	}
	if (child < 0) {
		reply_errno(reply, -1);
		return;
	}
	/* The kernel reaps it. */
	signal(SIGCHLD, SIG_IGN);
	reply_number(reply, "pid", child);
}

const struct command socket_commands[] = {
	{ "socket", "tcp4|tcp6|udp4|udp6|mptcp4|mptcp6 [nonblock]", 1, 2, do_socket, NULL },
	{ "bind", "FD ADDRESS PORT", 3, 3, do_bind, NULL },
	{ "listen", "FD [BACKLOG]", 1, 2, do_listen, NULL },
	{ "accept", "FD [MS]", 1, 2, do_accept, NULL },
	{ "connect", "FD ADDRESS PORT [MS]", 3, 4, do_connect, NULL },
	{ "connect_race", "FD ADDRESS PORT ADDRESS PORT TIMES", 6, 6, do_connect_race, NULL },
	{ "connect_unspec", "FD", 1, 1, do_connect_unspec, NULL },
	{ "getpeername", "FD", 1, 1, do_getpeername, NULL },
	{ "getsockname", "FD", 1, 1, do_getsockname, NULL },
	{ "getsockopt", "FD NAME", 2, 2, do_getsockopt, NULL },
	{ "setsockopt", "FD NAME VALUE", 3, 3, do_setsockopt, NULL },
	{ "poll", "FD in|out [MS]", 2, 3, do_poll, NULL },
	{ "shutdown", "FD read|write|both", 2, 2, do_shutdown, NULL },
	{ "close", "FD", 1, 1, do_close, NULL },
	{ "reset", "FD", 1, 1, do_reset, NULL },
	{ "dup", "FD", 1, 1, do_dup, NULL },
	{ "fork_hold", "", 0, 0, do_fork_hold, NULL },
	{},
};
