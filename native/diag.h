/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHUNT_DIAG_H
#define SHUNT_DIAG_H

#include <stdint.h>

/*
 * A connected UDP socket that is to be ended, as the map of shunt_end_sockets() has it: the key is
 * its cookie.
 */
struct ending {
	uint8_t address[16]; /* what it is connected to; IPv4 as IPv4-mapped IPv6 */
	uint16_t port;	     /* in network order */
	uint8_t unused[2];
};

/*
 * Ends the UDP sockets of this thread's network namespace that the map names, by SOCK_DESTROY of
 * sock_diag(7), and takes them out of the map. Returns 0 or a negative errno; -EOPNOTSUPP: the
 * kernel has no such thing (CONFIG_INET_DIAG_DESTROY).
 */
int diag_end_sockets(int map_fd);

#endif
