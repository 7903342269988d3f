/* SPDX-License-Identifier: Apache-2.0 */
/* What programs of the benchmarks share. */
#pragma once

#include <netinet/in.h>

/* Ends the program, with the reason. */
void fail(const char *what, const char *which);
/* ADDRESS[:PORT], and whatever follows. Ends the program if it is none. */
struct sockaddr_in parse_address(const char *text);
