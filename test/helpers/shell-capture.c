// SPDX-License-Identifier: Apache-2.0
/* Commands of the socket shell: what is on the wire. */
#define _GNU_SOURCE
#include "shell.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdlib.h>
#include <string.h>

/* A packet socket that sees every packet on every interface of this network namespace. */
static void do_capture(struct reply *reply, char **arguments)
{
	int size = 16 << 20;
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	(void)arguments;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	answer_fd(reply, -1, fd);
}

static bool packet_mentions(const char *packet, size_t size, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	const struct ipv6hdr *header6 = (const void *)packet;
	const struct iphdr *header4 = (const void *)packet;

	if (address->ss_family == AF_INET)
		return size >= sizeof(*header4) && header4->version == 4 &&
		       (header4->saddr == v4->sin_addr.s_addr ||
			header4->daddr == v4->sin_addr.s_addr);
	return size >= sizeof(*header6) && header6->version == 6 &&
	       (!memcmp(&header6->saddr, &v6->sin6_addr, 16) ||
		!memcmp(&header6->daddr, &v6->sin6_addr, 16));
}

/* Counts what a capture has seen since it was last asked: all packets, and those from or to ADDRESS. */
static void do_captured(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage address;
	struct tpacket_stats lost = {};
	socklen_t length = sizeof(lost);
	long packets = 0, matching = 0;
	char packet[128] __attribute__((aligned(8)));
	ssize_t size;

	if (!parse_address(arguments[1], "0", &address)) {
		reply_error(reply, "EINVAL");
		return;
	}
	while ((size = recv(fd, packet, sizeof(packet), MSG_DONTWAIT)) >= 0) {
		packets++;
		matching += packet_mentions(packet, size, &address);
	}
	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &lost, &length);
	reply_number(reply, "packets", packets);
	reply_number(reply, "matching", matching);
	reply_number(reply, "lost", lost.tp_drops);
}

const struct command capture_commands[] = {
	{ "capture", "", 0, 0, do_capture, NULL },
	{ "captured", "FD ADDRESS", 2, 2, do_captured, NULL },
	{},
};
