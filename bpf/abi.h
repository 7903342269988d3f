/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel programs and the agent both know: records, their meaning, their limits.
 * The only source of layouts: src/abi/layout.gen.ts is generated from the BTF of this file.
 *
 * Ownership. `frontends`, `slots`, `backends` and `services` are written by the agent and only
 * read here; everything else is written here and only read (or, once unused, cleared) by the
 * agent. No record has two writers.
 */
#ifndef SHUNT_ABI_H
#define SHUNT_ABI_H

#include <linux/types.h>

/* IPv6 as it is, IPv4 as ::ffff:a.b.c.d: one entry serves AF_INET and IPv4-mapped AF_INET6. */
struct address {
	__be32 word[4];
};

/* --- written by the agent ------------------------------------------------------------- */

struct frontend_key {
	struct address address;
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP; 0 with port 0: closes the address, see frontend.h */
	__u8 zero;
};

/* Whose endpoints answer; session affinity of the two is kept apart. */
enum scope {
	SCOPE_CLUSTER = 0,
	SCOPE_EXTERNAL = 1, /* external addresses, where they are answered by others */
};

/* Published last and replaced whole: a reader sees the old choice or the new, never a mixture. */
struct frontend {
	__u32 service;	  /* index into services */
	__u32 slot_base;  /* first of slot_count consecutive slots */
	__u32 slot_count; /* 0: nobody answers, refuse */
	__u32 scope;	  /* enum scope */
	__u32 check;	  /* see frontend.h */
};

/* Factors of the sum that is `check`: one for each word of key and value, odd and without pattern. */
#define CHECK_SEED 0x6b43a9b5
#define CHECK_ADDRESS_0 0x1e3779b1
#define CHECK_ADDRESS_1 0x55ebca77
#define CHECK_ADDRESS_2 0x42b2ae3d
#define CHECK_ADDRESS_3 0x27d4eb2f
#define CHECK_PORT_PROTOCOL 0x165667b1
#define CHECK_SERVICE 0x53a2646d
#define CHECK_SLOT_BASE 0x7d7046c5
#define CHECK_SLOT_COUNT 0x355a4f09
#define CHECK_SCOPE 0x2c1b3c6d

/*
 * One column of an alias table (Walker 1977, Vose 1991): take `backend` with probability
 * threshold / 2^32, else `alias`.
 */
struct slot {
	__u32 threshold;
	__u32 backend;
	__u32 alias;
	__u32 zero;
};

/*
 * Generations are odd while the record is in use and even while it is free; both changes add 1.
 * Whoever remembers a backend remembers its generation too; a mismatch means that it is gone.
 */
struct backend {
	struct address address;
	__be16 port;
	__u8 protocol;
	__u8 flags;
	__u32 generation;
	__u32 weight;
	__u32 service; /* index of the Service port it serves */
};

enum algorithm {
	ALGORITHM_WEIGHTED_RANDOM = 0,
};

/* One port of a Service. `identity` is a hash of its name: it finds the record after a restart. */
struct service {
	__u32 identity[2];
	__u32 generation; /* as in struct backend */
	__u32 algorithm;
	__u32 affinity_timeout_s; /* 0: no session affinity */
	__u32 flags;
};

/* --- written by the kernel ------------------------------------------------------------ */

/*
 * Two cache lines for each backend. Counters only grow; what is going on now is their difference:
 * pending = attempts - established - refused - timed_out - unreachable - abandoned,
 * active = established - closed.
 */
struct counters {
	__u64 attempts;	   /* connections sent to a backend */
	__u64 established; /* of those: handshake done (connected UDP: at once) */
	__u64 refused;	   /* RST in answer to SYN */
	__u64 timed_out;   /* no answer to SYN */
	__u64 unreachable; /* any other error before establishment: no route, ICMP, no free port */
	__u64 abandoned;   /* closed by the client before establishment */
	__u64 closed;	   /* established ones that ended, in any way */
	__u64 reset;	   /* of those: by the peer's RST */
	__u64 broken;	   /* of those: by another error (retransmissions, keep-alive, ICMP) */
	__u64 bytes_sent;  /* TCP payload that the backend acknowledged; added at the end */
	__u64 bytes_received;
	__u64 connect_ns; /* from SYN to its answer, sum over established TCP connections */
	__u64 datagrams;  /* unconnected UDP datagrams sent to a backend */
	__u64 rejected;	  /* refused here for want of an endpoint or port (Services only) */
	__u64 zero[2];
};

/* Bucket i counts connects that took less than 2^i microseconds and not less than half of that. */
#define LATENCY_BUCKETS 32

struct service_stats {
	struct counters total;
	__u64 connect_latency[LATENCY_BUCKETS];
};

struct backend_stats {
	struct counters total;
};

enum connection_state {
	CONNECTION_FREE = 0,
	CONNECTION_PENDING = 1,
	CONNECTION_ACTIVE = 2,
};

/* The TCP state callback is armed: it will end this connection, sock_release need not. */
#define CONNECTION_ARMED 0x1

/* What a socket that went through a Service address remembers. */
struct connection {
	struct address service_address; /* what the application asked for */
	struct address backend_address; /* where the connection went */
	__be16 service_port;
	__be16 backend_port;
	__u8 protocol;
	__u8 state; /* enum connection_state */
	__u8 flags;
	__u8 zero;
	__u32 service;
	__u32 service_generation;
	__u32 backend;
	__u32 backend_generation;
};

/* A power of two. */
#define CONNECTION_WAYS 4

/* Places that share a home, in four cache lines; the first says which of them is whose. */
struct connection_set {
	__u64 cookie[CONNECTION_WAYS]; /* of the socket whose place it is; 0: free */
	struct connection way[CONNECTION_WAYS];
};

/* In socket storage, for sockets whose set was full. */
struct connection_overflow {
	__u64 cookie;
	struct connection connection;
};

enum affinity_kind {
	AFFINITY_POD = 1,    /* sessionAffinity: ClientIP; the client is a network namespace */
	AFFINITY_SOCKET = 2, /* datagrams of one unconnected UDP socket */
};

struct affinity_key {
	__u64 client; /* netns cookie or socket cookie */
	__u32 service;
	__u8 kind;
	__u8 family; /* 4 or 6, of the Service address: backends of one family only */
	__u8 scope;  /* enum scope: backends that may answer there only */
	__u8 zero;
};

struct affinity {
	__u64 last_used_ns;
	__u32 backend;
	__u32 generation;
};

/* The Service address that a socket asked when it sent to this backend last. */
struct udp_peer_key {
	__u64 cookie;
	struct address address;
	__be16 port;
	__u16 zero[3];
};

struct udp_peer {
	__u64 cookie; /* as in the key: elements are handed on while they are read, see frontend.h */
	struct address address;
	__be16 port;
	__u16 zero;
	__u32 service;
};

/* Every verdict other than "pass" or "sent to a backend" has a counter of its own. */
enum verdict {
	VERDICT_REFUSED_NO_ENDPOINT = 0, /* connect: ECONNREFUSED */
	VERDICT_DROPPED_NO_ENDPOINT,	 /* unconnected datagram: ECONNREFUSED to the sender */
	VERDICT_PASSED_NO_ENDPOINT,	 /* kernel without bpf_set_retval: left to kube-proxy */
	VERDICT_REFUSED_NO_PORT, /* connect to a port that the Service does not have: ECONNREFUSED */
	VERDICT_DROPPED_NO_PORT,   /* the same for an unconnected datagram */
	VERDICT_PASSED_NO_PORT,	   /* the same on a kernel without bpf_set_retval */
	VERDICT_REFUSED_BAD_TABLE, /* a frontend led nowhere: must stay 0 */
	VERDICT_DROPPED_NO_PEER,   /* datagram whose answer could not have been translated */
	VERDICT_OVERFLOWED,	   /* remembered in socket storage: `connections` had no room */
	VERDICT_UNREMEMBERED,	   /* sent, but neither had room: not counted, no getpeername */
	VERDICT_COUNT,
};

#endif
