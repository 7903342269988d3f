// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Connections between two Pods of one node, joined socket to socket: what one end sends is put
 * where the other reads, and no application can tell. docs/redirection.md says what makes that
 * right. In the order of a connection's life:
 *
 *   candidate.h  both ends are Pods of this node and want it: the socket is remembered
 *   reader.h     it reads as an event loop does: it can be joined
 *   join.h       it is put into the table of joined sockets, or taken out again
 *   redirect.h   each message: by the short way, or by TCP
 *   callers.h    now and then: what went by the short way counts for whoever asked
 *
 * An object of its own: attached only where somebody asks for it.
 */
#include "same-node/callers.h"
#include "same-node/candidate.h"
#include "same-node/join.h"
#include "same-node/reader.h"
#include "same-node/redirect.h"
#include "layout.gen.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
