/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a message is sent. The verdict on it is not told its flags, but it is reached within the very
 * system call that sends, so they are in the registers of that call. This costs joined sockets some
 * nanoseconds, and all others nothing. A message that comes by any other way (io_uring, programs of
 * 32 bits, other processors than x86-64) is in doubt.
 */
#ifndef SHUNT_SAME_NODE_SENDER_H
#define SHUNT_SAME_NODE_SENDER_H

#include "call.h"
#include "fit.h"

struct sending {
	bool known;
	unsigned long flags;
};

static __always_inline struct sending sending_by(const struct pt_regs *registers)
{
	switch (registers->orig_ax) {
	case CALL_WRITE:
	case CALL_WRITEV:
	case CALL_SENDFILE:
	case CALL_SPLICE:
		return (struct sending){ .known = true };
	case CALL_SENDMSG:
		return (struct sending){ .known = true, .flags = registers->dx };
	case CALL_SENDTO:
	case CALL_SENDMMSG:
		return (struct sending){ .known = true, .flags = registers->r10 };
	default:
		return (struct sending){};
	}
}

static __always_inline struct sending sending_now(void)
{
	const struct pt_regs *call = current_call();

	return call ? sending_by(call) : (struct sending){};
}

#endif
