/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the test runs: a cgroup and a network namespace that nobody else is in. Where cgroups cannot
 * be made, as in a Pod that sees them read-only, it watches all of the parent: of the connections of
 * others none is between the addresses of the test, and each costs one look for it.
 */
#ifndef SHUNT_SELF_TEST_PLACE_H
#define SHUNT_SELF_TEST_PLACE_H

#include <stdbool.h>

/* Of IPv4 and IPv6; of loopback none is taken for that of a Pod. RFC 5737 and RFC 3849. */
#define CLIENT_IPV4 "192.0.2.1"
#define SERVER_IPV4 "192.0.2.2"
#define CLIENT_IPV6 "2001:db8::1"
#define SERVER_IPV6 "2001:db8::2"

/* These give up when they fail. */
void make_cgroup(const char *parent);
void enter_cgroup(void);
int open_cgroup(void);
void enter_namespace(void);

/* Whether there is this family: IPv6 may be turned off. */
bool has_addresses(int family);

/* Ends whoever is still in it, if it was made. */
void remove_cgroup(void);

#endif
