/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail, for test programs: malloc, calloc, realloc, reallocarray, strdup and
 * strndup of all code that is linked statically into one (not of shared libraries). A program gets
 * it with the meson dependency `alloc_fault`, which tells the linker to wrap them, and hands
 * alloc_faults to explore().
 *
 * One thread.
 */
#ifndef EBB_SIM_ALLOC_FAULT_H
#define EBB_SIM_ALLOC_FAULT_H

#include "sim/explore.h"

extern const struct explore_allocations alloc_faults;

#endif
