/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planted bugs: each breaks one rule of durability, and a test shows that the crash explorer finds
 * it. Only tests compile a file with -DPLANTS; EBB_PLANT then names the bugs that are in, separated
 * by commas. In every other build planted() is the constant 0 and the branch is gone.
 */
#ifndef EBB_BASE_PLANT_H
#define EBB_BASE_PLANT_H

#ifdef PLANTS

/* Whether EBB_PLANT names it. Linked by tests only. */
int plant_set(const char *name);

/* Each place asks once: an environment that changes later is not seen. Any thread. */
#define planted(NAME) \
	__extension__({ \
		static int set_ = -1; \
		int is_ = __atomic_load_n(&set_, __ATOMIC_RELAXED); \
		if (is_ < 0) { \
			is_ = plant_set(#NAME); \
			__atomic_store_n(&set_, is_, __ATOMIC_RELAXED); \
		} \
		is_; \
	})

#else
#define planted(NAME) 0
#endif

#endif
