// SPDX-License-Identifier: Apache-2.0
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "shim.h"

/* The verifier's log can be megabytes; what it says last is what matters. */
#define TEXT_MAX 16384

static __thread struct {
	char text[TEXT_MAX];
	size_t length;
} last;

int shunt_last_error(void *buffer, size_t n)
{
	size_t kept;

	if (!buffer || !n)
		return -EINVAL;
	kept = last.length < n - 1 ? last.length : n - 1;
	memcpy(buffer, last.text + last.length - kept, kept);
	((char *)buffer)[kept] = 0;
	return kept;
}

void error_clear(void)
{
	last.length = 0;
}

static void append(const char *text, size_t length)
{
	size_t excess;

	if (length > TEXT_MAX) {
		text += length - TEXT_MAX;
		length = TEXT_MAX;
	}
	if (last.length + length > TEXT_MAX) {
		excess = last.length + length - TEXT_MAX;
		memmove(last.text, last.text + excess, last.length - excess);
		last.length -= excess;
	}
	memcpy(last.text + last.length, text, length);
	last.length += length;
}

static void append_formatted(const char *format, va_list arguments)
{
	char *text;
	int length = vasprintf(&text, format, arguments);

	if (length < 0)
		return;
	append(text, length);
	free(text);
}

int fail(int error, const char *what, ...)
{
	char words[128] = "Not supported by the kernel";
	va_list arguments;

	if (error != -ENOTSUPP)
		libbpf_strerror(error, words, sizeof(words));
	va_start(arguments, what);
	append_formatted(what, arguments);
	va_end(arguments);
	append(": ", 2);
	append(words, strlen(words));
	append("\n", 1);
	return error <= -__LIBBPF_ERRNO__START ? -ENOEXEC : error;
}

static int keep_warnings(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		append_formatted(format, arguments);
	return 0;
}

__attribute__((constructor)) static void catch_warnings(void)
{
	libbpf_set_print(keep_warnings);
}
