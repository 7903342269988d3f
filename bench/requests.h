/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the program share. requests.c says what it is for. */
#pragma once

#include "program.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

void serve(char **servers, int count);
void ask(const char *target);
double now_us(void);
