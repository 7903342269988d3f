// SPDX-License-Identifier: Apache-2.0
/* What a part of a check says: to the other part, and about itself. */
#define _GNU_SOURCE
#include "battery.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void fail(struct part *part, const char *format, ...)
{
	char *failure = part->outcome->failure;
	va_list arguments;

	if (!*failure) {
		va_start(arguments, format);
		vsnprintf(failure, sizeof(part->outcome->failure), format, arguments);
		va_end(arguments);
	}
	_exit(1);
}

void saw(struct part *part, const char *format, ...)
{
	char *seen = part->outcome->seen;
	size_t length = strlen(seen);
	va_list arguments;

	if (length)
		length += snprintf(seen + length, sizeof(part->outcome->seen) - length, ", ");
	va_start(arguments, format);
	vsnprintf(seen + length, sizeof(part->outcome->seen) - length, format, arguments);
	va_end(arguments);
}

long done(struct part *part, const char *what, long result)
{
	if (result < 0)
		fail(part, "%s: %s", what, strerrorname_np(errno));
	return result;
}

void expect_equal(struct part *part, const char *what, long got, long wanted)
{
	if (got < 0 && wanted >= 0)
		done(part, what, got);
	if (got != wanted)
		fail(part, "%s: %ld instead of %ld", what, got, wanted);
}

void expect_errno(struct part *part, const char *what, long result, int wanted)
{
	if (result >= 0)
		fail(part, "%s: %ld instead of %s", what, result, strerrorname_np(wanted));
	if (errno != wanted)
		fail(part, "%s: %s instead of %s", what, strerrorname_np(errno),
		     strerrorname_np(wanted));
}

void meet(struct part *part, const char *where)
{
	char other[64];
	ssize_t length;

	done(part, where, send(part->line, where, strlen(where) + 1, MSG_NOSIGNAL));
	length = done(part, where, recv(part->line, other, sizeof(other) - 1, 0));
	other[length] = 0;
	if (!length)
		fail(part, "the other end is gone before \"%s\"", where);
	if (strcmp(where, other))
		fail(part, "the other end is at \"%s\", not at \"%s\"", other, where);
}

void tell(struct part *part, long number)
{
	done(part, "tell", send(part->line, &number, sizeof(number), MSG_NOSIGNAL));
}

long hear(struct part *part)
{
	long number;

	expect_equal(part, "hear", recv(part->line, &number, sizeof(number), 0), sizeof(number));
	return number;
}

void sleep_ms(unsigned int ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&left, &left))
		;
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void start_thread(struct part *part, pthread_t *thread, void *(*run)(void *), void *argument)
{
	if (pthread_create(thread, NULL, run, argument))
		fail(part, "there is no further thread");
}
