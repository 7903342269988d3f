// SPDX-License-Identifier: Apache-2.0
/*
 * Requests that take a server some time, one for each connection: servers whose workers serve one
 * request after the other, and clients that send the next request once they have their answer.
 *
 *   requests serve ADDRESS:PORT:MICROSECONDS:WORKERS...   prints "ready", serves until its input ends
 *   requests ask ADDRESS:PORT                             reads commands, answers each with a line
 *                                                         of JSON, ends with its input:
 *
 *     run THREADS MILLISECONDS   {"requests":..,"perSecond":..,"p50":..,"p90":..,"p99":..,"p999":..}
 *     start THREADS              asks in the background: {}
 *     window REQUESTS            who answered the next so many that begin from now on: {"by":{..}}
 *     stop                       {"requests":..,"failed":..,"error":".."}
 *     sources ADDRESS COUNT      asks once from each of the addresses that follow: {"answers":[..]}
 *
 * An answer is the address of the server. Times are microseconds, from connect() to the answer. In the
 * background a failure is counted; elsewhere it ends the program: what is measured then is something else.
 */
#define _GNU_SOURCE
#include "requests.h"

#include <stdio.h>
#include <string.h>

double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "serve") == 0) {
		serve(argv + 2, argc - 2);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "ask") == 0) {
		ask(argv[2]);
		return 0;
	}
	fprintf(stderr, "usage: requests serve ADDRESS:PORT:MICROSECONDS:WORKERS... | "
			"requests ask ADDRESS:PORT\n");
	return 2;
}
