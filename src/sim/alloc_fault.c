/* SPDX-License-Identifier: Apache-2.0 */
/* base/scarce.h as the explorer asks for it. */
#include "sim/alloc_fault.h"

#include "base/scarce.h"

const struct explore_allocations alloc_faults = {
	.arm = scarce_arm,
	.pause = scarce_pause,
	.failed = scarce_failed,
};
