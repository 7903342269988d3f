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
	/* Low and high word of the id of a Pod's cgroup, whose processes alone are meant; 0: everybody. */
	__u32 client[2];
};

/* Whose endpoints answer; session affinity of the two is kept apart. */
enum scope {
	SCOPE_CLUSTER = 0,
	SCOPE_EXTERNAL = 1, /* external addresses, where they are answered by others */
};

/*
 * Beside the enum in `frontend.scope`: a number of 15 bits that clients with another choice have.
 * Affinity is kept apart by all 16 bits.
 */
#define SCOPE_VARIANT_SHIFT 1

/* The columns name arms, not backends. */
#define FRONTEND_ARMS 0x1
/*
 * Bit 16 + n, only on an entry of everybody: some Pod whose cgroup stands at level n of the
 * hierarchy (the root is 0) has an entry of its own at this address.
 */
#define FRONTEND_LEVELS_SHIFT 16
#define FRONTEND_LEVELS 16

/* Published last and replaced whole: a reader sees the old choice or the new, never a mixture. */
struct frontend {
	__u32 service;	  /* index into services */
	__u32 slot_base;  /* where its range begins, see struct choice_header; 0 if it has none */
	__u32 slot_count; /* columns of the range; 0: nobody answers, refuse */
	__u32 scope;	  /* bit 0: enum scope; bits 1 to 15: variant */
	__u32 flags;	  /* FRONTEND_ARMS, FRONTEND_LEVELS_SHIFT */
	__u32 check;	  /* see frontend.h */
};

/* Factors of the sum that is `check`: one for each word of key and value, odd and without pattern. */
#define CHECK_SEED 0x6b43a9b5
#define CHECK_ADDRESS_0 0x1e3779b1
#define CHECK_ADDRESS_1 0x55ebca77
#define CHECK_ADDRESS_2 0x42b2ae3d
#define CHECK_ADDRESS_3 0x27d4eb2f
#define CHECK_PORT_PROTOCOL 0x165667b1
#define CHECK_CLIENT_0 0x7feb352d
#define CHECK_CLIENT_1 0x46685257
#define CHECK_SERVICE 0x53a2646d
#define CHECK_SLOT_BASE 0x7d7046c5
#define CHECK_SLOT_COUNT 0x355a4f09
#define CHECK_SCOPE 0x2c1b3c6d
#define CHECK_FLAGS 0x68bc21eb

/*
 * A range is what one choice is made from, in records of one size:
 *
 *   [header] [slot_count columns] [ceil(lookup_size / 4) records of the look-up table]
 *   [header] [slot_count columns] [slot_count arms]          where there is FRONTEND_ARMS
 *
 * A column is one entry and what it shares its column with. Entries are indexes of backends, or the
 * numbers of the arms that follow, counted from 0. Random choice by weight reads one column and
 * nothing else.
 */
struct choice_header {
	__u32 total;	   /* sum of the weights of all entries */
	__u32 stride;	   /* step of the turns in a round of `total`, see pick/round-robin.h */
	__u32 lookup_size; /* entries of the look-up table of consistent hashing; 0: there is none */
	__u32 zero;
};

/*
 * One column of an alias table (Walker 1977, Vose 1991): take `backend` with probability
 * threshold / 2^32, else `alias`. The column's own entry is `backend`, and no other column's.
 */
struct slot {
	__u32 threshold;
	__u32 backend;
	__u32 alias;
	__u32 until; /* sum of the weights of the own entries of all columns up to this one */
};

/* Word j of all such records of a range is the backend of clients with hash % lookup_size == j. */
struct lookup {
	__u32 backend[4];
};

/* A share of the connections, with endpoints and a way to choose among them of its own. */
struct arm {
	__u32 service;	  /* of the arm alone: its algorithm, its turns, what it rejected */
	__u32 slot_base;  /* range of backends, as in struct frontend */
	__u32 slot_count; /* 0: this share is refused */
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
	__u32 service; /* index of the Service port it serves, also if it is chosen through an arm */
};

/* One store changes it while connections come. Maglev without a look-up table is random choice. */
enum algorithm {
	ALGORITHM_WEIGHTED_RANDOM = 0,
	ALGORITHM_ROUND_ROBIN = 1,
	ALGORITHM_LEAST_CONNECTIONS = 2,
	ALGORITHM_PEAK_EWMA = 3,
	ALGORITHM_MAGLEV = 4,
};

/* Maglev: the client is the address that its socket is bound to, if it is, and not its pod. */
#define SERVICE_HASH_SOURCE 0x1
/* How long the first answers of its backends take is measured, see exchange.h. */
#define SERVICE_MEASURED 0x2

/*
 * One port of a Service, or one of its arms. `identity` is a hash of its name: it finds the record
 * after a restart.
 */
struct service {
	__u32 identity[2];
	__u32 generation;	  /* as in struct backend */
	__u32 algorithm;	  /* not used where there are arms, which have their own */
	__u32 affinity_timeout_s; /* 0: no session affinity */
	__u32 flags;		  /* SERVICE_HASH_SOURCE, SERVICE_MEASURED */
};

/* A socket to be ended, or to be found: what it is connected to. See endings.bpf.c. */
struct ending {
	struct address address;
	__be16 port;
	__u16 zero;
};

/* --- written by the kernel ------------------------------------------------------------ */

/*
 * Counters only grow; what is going on now is their difference:
 * pending = attempts - established - refused - timed_out - unreachable - abandoned,
 * active = established - closed. All that their sum needs is in the first cache line.
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
	__u64 bytes_sent; /* TCP payload that the backend acknowledged; added at the end, and in walks */
	__u64 bytes_received;
	__u64 connect_ns;	  /* from SYN to its answer, sum over established TCP connections */
	__u64 datagrams;	  /* unconnected UDP datagrams sent to a backend */
	__u64 rejected;		  /* refused here for want of an endpoint or port (Services only) */
	__u64 datagrams_received; /* answers that unconnected UDP sockets have read */
};

/* Bucket i counts what took less than 2^i microseconds and not less than half of that. */
#define LATENCY_BUCKETS 32

struct service_stats {
	struct counters total;
	__u64 turn;	 /* of RoundRobin: the next one */
	__u64 turn_ipv6; /* the same for endpoints of IPv6: the two families have rounds of their own */
	__u64 retransmits; /* TCP segments sent again, SYNs among them; added as bytes are */
	__u64 rtt_us;	   /* the sum of smoothed round-trip times of TCP connections */
	__u64 rtt_samples; /* how many: one for each walk that counts bytes of it, and one at its end */
	__u64 rejected_no_port; /* of total.rejected: the Service has no such port */
	__u64 rejected_share;	/* of total.rejected: nobody answers for the share of a route */
	__u64 connect_latency[LATENCY_BUCKETS];
	__u64 first_response_ns; /* the sum; only where SERVICE_MEASURED is or was */
	__u64 first_response[LATENCY_BUCKETS];
};

/* Who asks a Service port: the cgroup of the socket, which is that of a container. */
struct caller_key {
	__u64 cgroup;
	__u32 service;
	__u32 service_generation;
};

/* As in struct counters. What is open is established - closed, or less: ends that nobody told. */
struct caller_stats {
	__u64 attempts;
	__u64 established;
	__u64 failed; /* refused, timed_out, unreachable and abandoned */
	__u64 closed;
	__u64 broken; /* of those: reset or broken */
	__u64 rejected;
	__u64 bytes_sent;
	__u64 bytes_received;
};

/* Half the value of an EWMA is forgotten in this time, in the units of `ewma_at`: 4.3 s. */
#define EWMA_HALF_LIFE 4096
#define EWMA_FRACTION_BITS 6

/* Two cache lines. */
struct backend_stats {
	struct counters total;
	/*
	 * How long this backend took to answer, in microseconds times 2^EWMA_FRACTION_BITS, and when
	 * that was so, on the monotonic clock in units of 2^20 ns, cut to 32 bits; read and written as
	 * one, and only where PeakEwma chooses.
	 */
	__u32 ewma;
	__u32 ewma_at;
};

enum connection_state {
	CONNECTION_FREE = 0,
	CONNECTION_PENDING = 1,
	CONNECTION_ACTIVE = 2,
};

/* The TCP state callback is armed: it will end this connection, sock_release need not. */
#define CONNECTION_ARMED 0x1
/* How long the backend takes is wanted: PeakEwma chose it. */
#define CONNECTION_TIMED 0x2
/* Its first answer is still to come. */
#define CONNECTION_AWAITED 0x4
/* For that, and by us, the socket calls for each segment that it sends. */
#define CONNECTION_CALLS 0x8
/* It is known when it began, see struct event_begin. */
#define CONNECTION_BEGUN 0x10

/* What a socket that went through a Service address remembers. */
struct connection {
	struct address service_address; /* what the application asked for */
	struct address backend_address; /* where the connection went */
	__be16 service_port;
	__be16 backend_port;
	__u8 protocol;
	__u8 state; /* enum connection_state */
	__u8 flags;
	__u8 released; /* by its application: what is left of it ends by itself, and soon */
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

/* Since when a client waits for an answer, and to what, in TCP's counts of bytes. See exchange.h. */
struct exchange {
	__u64 began_us; /* on the monotonic clock; 0: nothing is owed */
	__u32 received; /* what had come by then */
	__u32 answered; /* what was sent up to here is answered */
	__u32 owner;	/* the low half of the cookie of its socket */
	__u32 zero;
};

/* Beside a set of places. */
struct exchange_set {
	struct exchange way[CONNECTION_WAYS];
};

/* In socket storage, for sockets whose set was full. */
struct connection_overflow {
	__u64 cookie;
	struct connection connection;
};

/*
 * In socket storage: how much of a connection's traffic was counted while it went on. Made by the
 * first walk that comes upon it, so that short connections do without.
 */
struct account {
	__u64 sent;
	__u64 received;
	__u64 retransmits;
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
	__u16 scope; /* as in struct frontend: backends that may answer there only */
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
	__u32 service_generation;
	__u32 backend;
	__u32 backend_generation;
	__u32 padding;
};

/* Every verdict other than "pass" or "sent to a backend" has a counter of its own. */
enum verdict {
	VERDICT_REFUSED_NO_ENDPOINT = 0, /* connect: ECONNREFUSED */
	VERDICT_DROPPED_NO_ENDPOINT,	 /* unconnected datagram: ECONNREFUSED to the sender */
	VERDICT_PASSED_NO_ENDPOINT,	 /* kernel without bpf_set_retval: left to kube-proxy */
	VERDICT_REFUSED_NO_PORT, /* connect to a port that the Service does not have: ECONNREFUSED */
	VERDICT_DROPPED_NO_PORT, /* the same for an unconnected datagram */
	VERDICT_PASSED_NO_PORT,	 /* the same on a kernel without bpf_set_retval */
	VERDICT_REFUSED_ARM, /* connect: the share that it fell to has no endpoint: ECONNREFUSED */
	VERDICT_DROPPED_ARM, /* the same for an unconnected datagram */
	VERDICT_PASSED_ARM,  /* the same on a kernel without bpf_set_retval */
	VERDICT_REFUSED_BAD_TABLE, /* a frontend led nowhere: must stay 0 */
	VERDICT_DROPPED_NO_PEER,   /* datagram whose answer could not have been translated */
	VERDICT_OVERFLOWED,	   /* remembered in socket storage: `connections` had no room */
	VERDICT_UNREMEMBERED,	   /* sent, but neither had room: not counted, no getpeername */
	VERDICT_UNNAMED,	   /* not counted for its caller: `callers` was full */
	VERDICT_COUNT,
};

/* How a connection fared, or what was refused here, and why. The ends stand as in enum outcome. */
enum event_outcome {
	EVENT_ESTABLISHED = 0,
	EVENT_CLOSED,
	EVENT_RESET,
	EVENT_BROKEN,
	EVENT_REFUSED,
	EVENT_TIMED_OUT,
	EVENT_UNREACHABLE,
	EVENT_ABANDONED,
	EVENT_REJECTED_NO_ENDPOINT,
	EVENT_REJECTED_NO_PORT,
	EVENT_REJECTED_SHARE,
};

/* One connection or refusal, as it is handed over. What is not known is 0. */
struct event {
	__u64 at_ns;	  /* on the monotonic clock */
	__u64 cgroup;	  /* of the socket */
	__u64 connect_ns; /* from connect() to the answer, or to giving up */
	__u64 lasted_ns;  /* from then to the end */
	__u64 bytes_sent; /* as in struct counters, of this connection */
	__u64 bytes_received;
	struct address service_address; /* what was asked */
	struct address backend_address; /* nothing, where it was rejected */
	__u32 service;
	__u32 service_generation;
	__be16 service_port;
	__be16 backend_port;
	__u8 protocol;
	__u8 outcome; /* enum event_outcome */
	__u16 zero;
};

/* Written by the agent. */
struct event_control {
	__u32 every;	   /* one in so many is wanted, drawn by lot; 0: nobody watches */
	__u32 established; /* handshakes are wanted, not only ends and refusals */
};

/* What happened while somebody watched: handed over, or one of the other two. */
struct event_stats {
	__u64 offered;
	__u64 sampled_out; /* not drawn */
	__u64 dropped;	   /* no room: the agent did not come after */
};

/* In socket storage, while somebody watches: since when. */
struct event_begin {
	__u64 at_ns;
	__u64 connect_ns;
};

/* --- same node: connections whose both ends are Pods of this node ---------------------- */

/* Written by the agent. Port 0: a Pod, by each of its addresses. Otherwise one of its endpoints. */
struct end_key {
	struct address address;
	__be16 port;
	__u8 zero[6];
};

/* How an end stands to being joined with its peer, socket to socket. */
enum end_mode {
	END_LOCAL = 1,	  /* a Pod that says nothing of it */
	END_REDIRECT = 2, /* a Pod that wants it */
	END_PLAIN = 3,	  /* a Pod that does not */
	END_SERVED = 4,	  /* an endpoint that wants it, for all who connect to it */
};

/* Written by the agent, read with each message. */
struct same_node_control {
	__u32 off;	  /* nothing is redirected */
	__u32 generation; /* of the tables that the agent writes; raised after each change of one */
	__u32 measuring;  /* some Service is in the table of those that are measured, or was */
	__u32 watched;	  /* reads are seen */
};

/* Why a message of a joined socket went by TCP all the same. */
enum fallback {
	FALLBACK_PEER, /* the other end is not joined, or has ended */
	FALLBACK_UNREAD, /* the peer has not read all that came by TCP: a redirected byte would overtake */
	FALLBACK_STATE,	  /* one end is closing */
	FALLBACK_ROOM,	  /* the peer's receive buffer is half full, or many small messages wait */
	FALLBACK_OPTIONS, /* the peer blocks, or an end has an option that only TCP honours */
	FALLBACK_UNFIT,	  /* the peer is not redirected to any more, see enum unfit */
	FALLBACK_SENDER,  /* this end sends urgent or zero-copy data, or in an unknown way */
	FALLBACK_OFF,	  /* turned off, or not wanted any more */
	FALLBACK_COUNT,
};

/* Why a socket is never redirected to, or never again. */
enum unfit {
	UNFIT_NOT,
	UNFIT_BLOCKS,	  /* it has read in blocking mode */
	UNFIT_FLAGS,	  /* it has read with MSG_WAITALL, MSG_TRUNC or MSG_OOB */
	UNFIT_OPTIONS,	  /* it has an option that only TCP honours */
	UNFIT_SPLICES,	  /* something has been taken from it by other ways than reading */
	UNFIT_FALLS_BACK, /* nearly all that it sends goes by TCP anyway */
	UNFIT_EDGE, /* it is told of arrivals by edge, and may trust that a short read is the last */
	UNFIT_REFUSED,	/* the kernel does not take it */
	UNFIT_WORKLOAD, /* another socket of its cgroup became unfit after it had been joined */
	UNFIT_PROGRAM,	/* its program is known to trust what joining changes, see program.h */
	UNFIT_PEER,	/* its other end is never joined: it would have nobody to be joined to */
	UNFIT_UNWANTED, /* turned off, or not wanted any more: a table changed */
	UNFIT_COUNT,
};

/* What a walk over sockets tells of each socket that it has seen. */
enum seen {
	SEEN_CANDIDATE,
	SEEN_JOINED,
	SEEN_UNFIT,
};

struct same_node_stats {
	__u64 messages;
	__u64 bytes;
	__u64 fallbacks[FALLBACK_COUNT];
	__u64 unfit[UNFIT_COUNT];
};

/* What a connection is counted under; all 0 when no Service was asked. */
struct redirected_key {
	__u64 cgroup; /* of the socket that connected */
	__u32 service;
	__u32 service_generation;
	__u32 backend;
	__u32 backend_generation;
};

/* As counters.bytes_sent and bytes_received: as the client sees it. */
struct redirected {
	__u64 bytes_sent;
	__u64 bytes_received;
};

/* What has come on top since the agent last looked. */
struct redirected_growth {
	struct redirected_key key;
	struct redirected bytes;
};

/* A Service port whose first responses are measured. */
struct measured_key {
	__u32 service;
	__u32 service_generation;
};

/* Of answers that were redirected; as in struct service_stats. */
struct answers {
	__u64 first_response_ns;
	__u64 first_response[LATENCY_BUCKETS];
};

#endif
