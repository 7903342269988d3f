/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHUNT_ERROR_H
#define SHUNT_ERROR_H

/* What the kernel answers where a map or program type lacks an operation; not in <errno.h>. */
#define ENOTSUPP 524

/* Forgets the text of the call before; every call that can fail starts with it. */
void error_clear(void);

/*
 * Adds "what: <the error's words>" to the text and returns the error, a negative errno. The error
 * numbers of libbpf itself, which are about the object file, become -ENOEXEC.
 */
int fail(int error, const char *what, ...) __attribute__((format(printf, 2, 3)));

#endif
