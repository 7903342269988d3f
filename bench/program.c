// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *what, const char *which)
{
	fprintf(stderr, "%s: %s %s: %s\n", program_invocation_short_name, what, which,
		strerror(errno));
	exit(1);
}

struct sockaddr_in parse_address(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char host[INET_ADDRSTRLEN] = "";
	unsigned short port = 0;

	if (sscanf(text, "%15[0-9.]:%hu", host, &port) < 1 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		fprintf(stderr, "%s: %s is not ADDRESS:PORT\n", program_invocation_short_name,
			text);
		exit(2);
	}
	address.sin_port = htons(port);
	return address;
}
