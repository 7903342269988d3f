/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The system call that a program runs in: reads and sends are judged within them, so what they were asked
 * is in the registers. Of x86-64 alone; no call of 32 bits that reads or sends has one of these numbers.
 */
#ifndef SHUNT_SAME_NODE_CALL_H
#define SHUNT_SAME_NODE_CALL_H

#include "tables.h"

/* As asm/unistd_64.h has them. */
enum call {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_WRITEV = 20,
	CALL_SENDFILE = 40,
	CALL_SENDTO = 44,
	CALL_RECVFROM = 45,
	CALL_SENDMSG = 46,
	CALL_SPLICE = 275,
	CALL_SENDMMSG = 307,
};

/* NULL: not known. */
static __always_inline const struct pt_regs *current_call(void)
{
	const struct pt_regs *registers;

	if (!bpf_core_field_exists(struct pt_regs, orig_ax))
		return NULL;
	registers = (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	/* What is to become the result is this until the call is done: io_uring may go on after that. */
	return (long)registers->ax == -ENOSYS ? registers : NULL;
}

#endif
