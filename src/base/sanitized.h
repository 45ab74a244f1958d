/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a sanitizer is at work: it has memory of its own, which tells nothing about the code. For
 * tests that measure or limit memory.
 *
 * Any thread.
 */
#ifndef EBB_BASE_SANITIZED_H
#define EBB_BASE_SANITIZED_H

#include <stdbool.h>

static inline bool is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return true;
#endif
#endif
	return false;
}

#endif
