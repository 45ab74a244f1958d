/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of digests.
 *
 * One thread for each struct.
 */
#ifndef EBB_SHIP_DIGESTS_H
#define EBB_SHIP_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "chunk/digest.h"

/* All zero: empty. */
struct digests {
	struct digest *slots; /* zeros: free */
	size_t slot_count, len;
};

/* 0, also when it is in already, or -ENOMEM. */
int digests_add(struct digests *set, const struct digest *digest);
bool digests_has(const struct digests *set, const struct digest *digest);
void digests_done(struct digests *set);

#endif
