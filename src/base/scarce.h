/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that runs out on request, for tests: shows that every allocation failure comes back as
 * -ENOMEM and leaves things as they were.
 *
 * A test program that depends on `scarce` has its own allocations (those of the objects linked into
 * it, not those inside shared libraries) pass through here.
 *
 * Any thread; the count is one for the whole program.
 */
#ifndef EBB_BASE_SCARCE_H
#define EBB_BASE_SCARCE_H

#include <stdbool.h>
#include <stdint.h>

/* The nth allocation from now on fails (0: none), that one only, or each from there on. */
void scarce_arm(uint64_t nth, bool for_ever);

/* While paused, allocations neither count nor fail: for a test's own. scarce_arm() ends a pause. */
void scarce_pause(bool paused);

/* Since scarce_arm(): how many allocations were asked for, and how many of them failed. */
uint64_t scarce_count(void);
uint64_t scarce_failed(void);

#endif
