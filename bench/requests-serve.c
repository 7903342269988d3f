// SPDX-License-Identifier: Apache-2.0
/* Servers with so many workers each. What finds all of them busy waits in the queue of the socket. */
#define _GNU_SOURCE
#include "requests.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define BACKLOG 4096

struct server {
	const char *text;
	int listener;
	struct timespec service;
};

static void open_server(struct server *server)
{
	struct sockaddr_in address = parse_address(server->text);
	int on = 1;

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 ||
	    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(server->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(server->listener, BACKLOG))
		fail("listen at", server->text);
}

static void answer(const struct server *server, int fd)
{
	struct sockaddr_in own;
	socklen_t length = sizeof(own);
	char byte;

	if (read(fd, &byte, 1) != 1)
		return;
	if (server->service.tv_sec || server->service.tv_nsec)
		nanosleep(&server->service, NULL);
	/* A client that has gone is its own witness. */
	if (getsockname(fd, (struct sockaddr *)&own, &length) ||
	    send(fd, &own.sin_addr, sizeof(own.sin_addr), MSG_NOSIGNAL) < 0)
		return;
	/* The client closes first: ports that wait for latecomers are then its own, and many. */
	while (read(fd, &byte, 1) > 0)
		;
}

static void *work(void *argument)
{
	const struct server *server = argument;

	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			fail("accept at", server->text);
		answer(server, fd);
		close(fd);
	}
	return NULL;
}

void serve(char **texts, int count)
{
	struct server *servers = calloc(count, sizeof(*servers));
	pthread_t thread;

	for (int i = 0; i < count; i++) {
		int micros, workers;

		if (sscanf(texts[i], "%*[^:]:%*d:%d:%d", &micros, &workers) != 2) {
			fprintf(stderr, "requests: %s is no server\n", texts[i]);
			exit(2);
		}
		servers[i].text = texts[i];
		servers[i].service.tv_sec = micros / 1000000;
		servers[i].service.tv_nsec = micros % 1000000 * 1000L;
		open_server(&servers[i]);
		for (int worker = 0; worker < workers; worker++)
			if (pthread_create(&thread, NULL, work, &servers[i]))
				fail("start a worker of", texts[i]);
	}
	printf("ready\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
}
