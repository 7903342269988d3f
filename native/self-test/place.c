// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complaint.h"
#include "place.h"

static char cgroup[PATH_MAX];
static bool is_cgroup_own, has_ipv6;

void make_cgroup(const char *parent)
{
	int length =
		snprintf(cgroup, sizeof(cgroup), "%s/shunt-same-node-test-%d", parent, getpid());

	if (length >= (int)sizeof(cgroup))
		give_up("%s: too long", parent);
	is_cgroup_own = !mkdir(cgroup, 0755);
	if (is_cgroup_own)
		return;
	if (errno != EROFS && errno != EACCES && errno != EPERM)
		give_up("make cgroup %s: %s", cgroup, strerror(errno));
	strcpy(cgroup, parent);
}

static bool write_in_cgroup(const char *name, const char *text)
{
	char path[PATH_MAX + 32];
	bool written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) > 0;
	close(fd);
	return written;
}

void enter_cgroup(void)
{
	if (is_cgroup_own && !write_in_cgroup("cgroup.procs", "0"))
		give_up("enter cgroup %s: %s", cgroup, strerror(errno));
}

int open_cgroup(void)
{
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		give_up("open cgroup %s: %s", cgroup, strerror(errno));
	return fd;
}

/* Those that are ending are still in it for a moment. */
void remove_cgroup(void)
{
	if (!is_cgroup_own)
		return;
	write_in_cgroup("cgroup.kill", "1");
	for (int tries = 0; rmdir(cgroup) && errno == EBUSY && tries < 100; tries++)
		usleep(10000);
}

static void name_device(char *to, const char *name)
{
	strcpy(to, name);
}

static void add_ipv4(int fd, const char *label, const char *address)
{
	struct sockaddr_in own = { .sin_family = AF_INET };
	struct ifreq request = {};

	name_device(request.ifr_name, label);
	inet_pton(AF_INET, address, &own.sin_addr);
	memcpy(&request.ifr_addr, &own, sizeof(own));
	if (ioctl(fd, SIOCSIFADDR, &request))
		give_up("add address %s: %s", address, strerror(errno));
}

/* As linux/ipv6.h has it, which does not go with netinet/in.h. */
struct ipv6_request {
	struct in6_addr address;
	uint32_t prefix_length;
	int index;
};

static bool add_ipv6(int fd, const char *address)
{
	struct ipv6_request request = { .prefix_length = 128, .index = (int)if_nametoindex("lo") };

	inet_pton(AF_INET6, address, &request.address);
	return !ioctl(fd, SIOCSIFADDR, &request);
}

static void raise_loopback(int fd)
{
	struct ifreq request = { .ifr_flags = IFF_UP };

	name_device(request.ifr_name, "lo");
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		give_up("raise lo: %s", strerror(errno));
}

/* With no other device than lo, nothing that is sent can leave it. */
void enter_namespace(void)
{
	int fd;

	if (unshare(CLONE_NEWNET))
		give_up("make a network namespace: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		give_up("socket: %s", strerror(errno));
	raise_loopback(fd);
	add_ipv4(fd, "lo:1", CLIENT_IPV4);
	add_ipv4(fd, "lo:2", SERVER_IPV4);
	close(fd);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	has_ipv6 = add_ipv6(fd, CLIENT_IPV6) && add_ipv6(fd, SERVER_IPV6);
	close(fd);
}

bool has_addresses(int family)
{
	return family != AF_INET6 || has_ipv6;
}
