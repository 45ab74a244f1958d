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

/*
 * From now on `fn` says how fast, in bytes a second: at once, and about once a second while bytes
 * are taken, by the thread that takes them. It is given the rate in force. Before anything was
 * taken only; also without a rate then, and 0 goes on being asked.
 */
typedef uint64_t linux_pace_fn(void *arg, uint64_t rate);
void linux_pace_ask(struct pace *pace, linux_pace_fn *fn, void *arg);

/* Takes it when nobody waits in it any more; NULL is allowed. */
void linux_pace_free(struct pace *pace);

#endif
