/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that must not be joined, by their names. HAProxy takes a read that does not fill its buffer for
 * the last when the peer has ended (raw_sock_to_buf()): joined, it may have ended where redirected bytes
 * did, and those that came by TCP behind them were lost. FIONREAD of a joined socket tells of redirected
 * bytes alone, and no program that could be attached everywhere sees who asks. nginx (since 1.17.5,
 * ngx_unix_recv()) asks when a read has filled its buffer, and reads no more when the answer is 0: the
 * rest of a large message that came by TCP would wait for ever.
 */
#ifndef SHUNT_SAME_NODE_PROGRAM_H
#define SHUNT_SAME_NODE_PROGRAM_H

#include "tables.h"

#define COMM_LENGTH 16 /* TASK_COMM_LEN */

/* There is no memcmp(); `length` is that of `text`. */
static __always_inline bool begins_with(const char *name, const char *text, int length)
{
	for (int at = 0; at < length; at++)
		if (name[at] != text[at])
			return false;
	return true;
}

#define BEGINS_WITH(name, text) begins_with(name, text, sizeof(text) - 1)

/* HAProxy, nginx, and what is made of that. */
static __always_inline bool trusts_what_joining_changes(void)
{
	char name[COMM_LENGTH] = {};

	bpf_get_current_comm(name, sizeof(name));
	return BEGINS_WITH(name, "haproxy") || BEGINS_WITH(name, "hapee") ||
	       BEGINS_WITH(name, "nginx") || BEGINS_WITH(name, "openresty") ||
	       BEGINS_WITH(name, "tengine") || BEGINS_WITH(name, "angie");
}

#endif
