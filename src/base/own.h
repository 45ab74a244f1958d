/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership in three words, used in every header: a function *takes* what it will free, *borrows*
 * what it only looks at, *gives* what the caller must free.
 *
 * OWN(fn) T x;  runs fn(&x) when x leaves its scope.
 * TAKE(p)       yields p and leaves NULL behind, so that the cleanup finds nothing.
 *
 * Any thread.
 */
#ifndef EBB_BASE_OWN_H
#define EBB_BASE_OWN_H

#include <stdlib.h>

#define OWN(fn) __attribute__((cleanup(fn)))
#define TAKE(p) \
	({ \
		__typeof__(p) take_ = (p); \
		(p) = NULL; \
		take_; \
	})

/* For plain heap memory: OWN(own_free) char *name = ... */
static inline void own_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

#endif
