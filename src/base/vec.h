/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that grow: struct { T *at; size_t len, cap; }, spelled VEC(T).
 *
 * vec_push() answers 0 or -ENOMEM and leaves the array as it was on failure. Elements move when the
 * array grows: keep indexes, not pointers.
 *
 * Any thread, one at a time for each array.
 */
#ifndef EBB_BASE_VEC_H
#define EBB_BASE_VEC_H

#include <stddef.h>
#include <stdlib.h>

#define VEC(T) \
	struct { \
		T *at; \
		size_t len, cap; \
	}

/* Room for `need` elements: 0 or -ENOMEM. */
#define vec_reserve(vec, need) \
	((need) <= (vec)->cap \
			? 0 \
			: vec_grow_((void **)&(vec)->at, &(vec)->cap, (need), sizeof(*(vec)->at)))

#define vec_push(vec, value) \
	({ \
		int vec_err_ = vec_reserve((vec), (vec)->len + 1); \
		if (!vec_err_) \
			(vec)->at[(vec)->len++] = (value); \
		vec_err_; \
	})

#define vec_done(vec) \
	do { \
		free((vec)->at); \
		(vec)->at = NULL; \
		(vec)->len = (vec)->cap = 0; \
	} while (0)

#define vec_each(item, vec) \
	for (__typeof__((vec)->at + 0) item = (vec)->at; item && item < (vec)->at + (vec)->len; \
		item++)

int vec_grow_(void **at, size_t *cap, size_t need, size_t size);

#endif
