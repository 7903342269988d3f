// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Shunt's programs. An application that connects or sends to a Service address is sent to one of
 * the Service's endpoints, and never learns of it.
 */
#include "hooks/connect.h"
#include "hooks/datagram.h"
#include "hooks/getpeername.h"
#include "hooks/lifetime.h"
#include "layout.gen.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
