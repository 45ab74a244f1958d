/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail, as the explorer asks for them: base/scarce.h. A program gets it with the
 * meson dependency `alloc_fault` and hands alloc_faults to explore().
 *
 * One thread.
 */
#ifndef EBB_SIM_ALLOC_FAULT_H
#define EBB_SIM_ALLOC_FAULT_H

#include "sim/explore.h"

extern const struct explore_allocations alloc_faults;

#endif
