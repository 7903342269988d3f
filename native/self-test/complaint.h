/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHUNT_SELF_TEST_COMPLAINT_H
#define SHUNT_SELF_TEST_COMPLAINT_H

#include <stdbool.h>

/* Remembers why the check that runs fails; what follows from that is not remembered. Returns false. */
__attribute__((format(printf, 1, 2))) bool complain(const char *format, ...);

/* complain() with the words of errno. */
bool complain_errno(const char *what);

/* First of all, and before each check. */
void forget_complaint(void);
const char *complaint(void);

/* One line on stdout; ends the process with the status of a test that could not run. */
__attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format, ...);
#define STATUS_GAVE_UP 2

#endif
