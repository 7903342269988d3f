// SPDX-License-Identifier: Apache-2.0
/* Descriptors that go from one process to another. */
#define _GNU_SOURCE
#include "request.h"

void send_descriptor(int over, int fd, const void *bytes, size_t length)
{
	struct iovec text = { (void *)bytes, length };
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	sendmsg(over, &message, MSG_NOSIGNAL);
}

int receive_descriptor(int over, void *bytes, size_t length)
{
	struct iovec text = { bytes, length };
	char space[CMSG_SPACE(sizeof(int))];
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	int fd = -1;

	if (recvmsg(over, &message, MSG_CMSG_CLOEXEC) == (ssize_t)length && CMSG_FIRSTHDR(&message))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

int send_request(int control, const struct request *request)
{
	int line[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line))
		return -1;
	send_descriptor(control, line[1], request, sizeof(*request));
	close(line[1]);
	return line[0];
}

int receive_request(int control, struct request *request)
{
	return receive_descriptor(control, request, sizeof(*request));
}
