// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "complaint.h"

/* Shared with the processes that a check starts. */
#define WORDS_MAX 512
static char *words;

bool complain(const char *format, ...)
{
	va_list arguments;

	if (*words)
		return false;
	va_start(arguments, format);
	vsnprintf(words, WORDS_MAX, format, arguments);
	va_end(arguments);
	return false;
}

bool complain_errno(const char *what)
{
	return complain("%s: %s", what, strerror(errno));
}

void forget_complaint(void)
{
	if (!words)
		words = mmap(NULL, WORDS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	if (words == MAP_FAILED)
		give_up("no memory");
	*words = 0;
}

const char *complaint(void)
{
	return *words ? words : "for no known reason";
}

void give_up(const char *format, ...)
{
	va_list arguments;

	printf("cannot run: ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
	_exit(STATUS_GAVE_UP);
}
