/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that go from one process to another. */
#pragma once

#include "run.h"

void send_descriptor(int over, int fd, const void *bytes, size_t length);
/* -1 if there is none. */
int receive_descriptor(int over, void *bytes, size_t length);
/* Sends one end of a new line to the server; returns the other. */
int send_request(int control, const struct request *request);
int receive_request(int control, struct request *request);
