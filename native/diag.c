// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diag.h"

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

/* Sockets found, to be ended when the kernel has listed them all. */
struct found {
	struct inet_diag_req_v2 *sockets;
	size_t count, room;
};

static int send_request(int diag, int type, int flags, const struct inet_diag_req_v2 *body)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct request request = {
		.head = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
		.body = *body,
	};

	return sendto(diag, &request, sizeof(request), 0, (const void *)&kernel, sizeof(kernel)) < 0
		       ? -errno
		       : 0;
}

/* The answer to a request, or the end of a list: 0 or a negative errno. */
static int result_of(const struct nlmsghdr *message)
{
	int error = -EBADMSG;

	if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(error)))
		memcpy(&error, NLMSG_DATA(message), sizeof(error));
	return error;
}

static bool is_same_peer(const struct inet_diag_msg *socket, const struct ending *ending)
{
	uint8_t address[16] = { [10] = 0xff, [11] = 0xff };

	if (socket->idiag_family == AF_INET)
		memcpy(address + 12, socket->id.idiag_dst, 4);
	else
		memcpy(address, socket->id.idiag_dst, 16);
	return socket->id.idiag_dport == ending->port && !memcmp(address, ending->address, 16);
}

static uint64_t cookie_of(const struct inet_diag_sockid *id)
{
	return (uint64_t)id->idiag_cookie[1] << 32 | id->idiag_cookie[0];
}

static int keep_if_wanted(struct found *found, int map_fd, const struct inet_diag_msg *socket)
{
	const uint64_t cookie = cookie_of(&socket->id);
	struct inet_diag_req_v2 *larger;
	struct ending ending;

	if (bpf_map_lookup_elem(map_fd, &cookie, &ending) || !is_same_peer(socket, &ending))
		return 0;
	if (found->count == found->room) {
		found->room = found->room ? 2 * found->room : 64;
		larger = realloc(found->sockets, found->room * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		found->sockets = larger;
	}
	found->sockets[found->count++] = (struct inet_diag_req_v2){
		.sdiag_family = socket->idiag_family,
		.sdiag_protocol = IPPROTO_UDP,
		.idiag_states = ~0U,
		.id = socket->id,
	};
	return 0;
}

/* Reads one answer of the list. Returns 1: there is more; 0: it has ended. */
static int read_list(int diag, struct found *found, int map_fd)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	const struct nlmsghdr *message = (const void *)buffer;
	int left = recv(diag, buffer, sizeof(buffer), 0);
	int error;

	if (left < 0)
		return errno == EINTR ? 1 : -errno;
	for (; NLMSG_OK(message, (unsigned int)left); message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return result_of(message);
		if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
		    message->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			continue;
		error = keep_if_wanted(found, map_fd, NLMSG_DATA(message));
		if (error)
			return error;
	}
	return 1;
}

static int list_sockets(int diag, int family, struct found *found, int map_fd)
{
	const struct inet_diag_req_v2 connected = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_UDP,
		.idiag_states = 1 << TCP_ESTABLISHED,
	};
	int result = send_request(diag, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &connected);

	if (result)
		return result;
	do {
		result = read_list(diag, found, map_fd);
	} while (result > 0);
	return result;
}

static int read_answer(int diag)
{
	_Alignas(struct nlmsghdr) char buffer[1024];
	const struct nlmsghdr *message = (const void *)buffer;
	ssize_t length;

	do {
		length = recv(diag, buffer, sizeof(buffer), 0);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -errno;
	if (!NLMSG_OK(message, (unsigned int)length) || message->nlmsg_type != NLMSG_ERROR)
		return -EBADMSG;
	return result_of(message);
}

/* That it has gone, or gone elsewhere, meanwhile is no error: the kernel compares the cookie. */
static int end_socket(int diag, const struct inet_diag_req_v2 *socket, int map_fd)
{
	const uint64_t cookie = cookie_of(&socket->id);
	int error = send_request(diag, SOCK_DESTROY, NLM_F_ACK, socket);

	if (!error)
		error = read_answer(diag);
	if (!error)
		bpf_map_delete_elem(map_fd, &cookie);
	return error == -ENOENT ? 0 : error;
}

int diag_end_sockets(int map_fd)
{
	struct found found = {};
	int error, diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (diag < 0)
		return -errno;
	error = list_sockets(diag, AF_INET, &found, map_fd);
	if (!error)
		error = list_sockets(diag, AF_INET6, &found, map_fd);
	for (size_t i = 0; !error && i < found.count; i++)
		error = end_socket(diag, &found.sockets[i], map_fd);
	free(found.sockets);
	close(diag);
	return error;
}
