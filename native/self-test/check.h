/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHUNT_SELF_TEST_CHECK_H
#define SHUNT_SELF_TEST_CHECK_H

#include <stdbool.h>

#include "pair.h"

struct check {
	const char *name;
	/* Is given a pair that is joined, or none if none could be. */
	bool (*run)(struct pair *pair);
	int family;
};

/* Each ends with an entry without a name. */
extern const struct check join_checks[], memory_checks[], wake_checks[], order_checks[],
	end_checks[], send_checks[];

/* A pair that is turned off at once, so that a second has passed when the other checks are done. */
bool begin_parting(struct pair *pair);
bool end_parting(struct pair *pair);

#endif
