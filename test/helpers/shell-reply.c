// SPDX-License-Identifier: Apache-2.0
/* Answers of the socket shell. */
#define _GNU_SOURCE
#include "shell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t output_lock = PTHREAD_MUTEX_INITIALIZER;

void reply_begin(struct reply *reply, long id)
{
	reply->text = NULL;
	reply->length = 0;
	reply->out = open_memstream(&reply->text, &reply->length);
	if (!reply->out)
		abort();
	fprintf(reply->out, "{\"id\":%ld", id);
}

void reply_ok(struct reply *reply)
{
	fputs(",\"ok\":true", reply->out);
}

void reply_number(struct reply *reply, const char *key, long long value)
{
	fprintf(reply->out, ",\"%s\":%lld", key, value);
}

void reply_string(struct reply *reply, const char *key, const char *text, size_t length)
{
	fprintf(reply->out, ",\"%s\":", key);
	write_json_string(reply->out, text, length);
}

void reply_address(struct reply *reply, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	char text[INET6_ADDRSTRLEN] = "";

	if (address->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
	reply_string(reply, "address", text, strlen(text));
	/* The port is at the same place in both. */
	reply_number(reply, "port", ntohs(v4->sin_port));
}

void reply_error(struct reply *reply, const char *name)
{
	reply_string(reply, "error", name, strlen(name));
}

void reply_errno(struct reply *reply, int fd)
{
	int error = errno;
	int flags = fcntl(fd, F_GETFL);
	bool blocks = flags >= 0 && !(flags & O_NONBLOCK);

	/* SO_SNDTIMEO and SO_RCVTIMEO end a blocking call with the errors of a non-blocking one. */
	if (blocks && (error == EAGAIN || error == EINPROGRESS))
		reply_error(reply, "TIMEOUT");
	else
		reply_error(reply, strerrorname_np(error));
}

void reply_send(struct reply *reply)
{
	fputs("}\n", reply->out);
	fclose(reply->out);

	pthread_mutex_lock(&output_lock);
	fwrite(reply->text, 1, reply->length, stdout);
	fflush(stdout);
	pthread_mutex_unlock(&output_lock);
	free(reply->text);
}

void write_json_string(FILE *out, const char *text, size_t length)
{
	fputc('"', out);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = text[i];

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7f)
			fprintf(out, "\\u%04x", byte);
		else
			fputc(byte, out);
	}
	fputc('"', out);
}
