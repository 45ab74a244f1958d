/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window: a slice of time. Any thread: a plain value.
 */
#ifndef EBB_CORE_WINDOW_H
#define EBB_CORE_WINDOW_H

#include <stdint.h>

struct window {
	int64_t from_ns, until_ns; /* UTC; equal: none */
};

#endif
