/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/pace.h on the monotonic clock.
 *
 * One thread makes and frees it.
 */
#ifndef EBB_OS_LINUX_PACE_H
#define EBB_OS_LINUX_PACE_H

#include <stdint.h>

#include "os/pace.h"

/* Gives a pace of that rate; NULL: no memory. */
struct pace *linux_pace_new(uint64_t bytes_per_second);

/* Takes it when nobody waits in it any more; NULL is allowed. */
void linux_pace_free(struct pace *pace);

#endif
