/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for payloads, in pages: what is given back is kept for the next, up to a bound. All that
 * is out is bounded as its taker says.
 *
 * One thread.
 */
#ifndef EBB_EBB_VOLD_BUFFERS_H
#define EBB_EBB_VOLD_BUFFERS_H

#include <stddef.h>

enum { BUFFER_CLASSES = 9 }; /* 4 KiB, 16 KiB ... 64 MiB would be the eighth; a spare one */

struct buffer {
	struct buffer *next;
};

struct buffers {
	size_t kept_max;
	size_t out, kept; /* bytes */
	struct buffer *free[BUFFER_CLASSES];
};

/*
 * NULL: there is no memory for it now, or more than `out_max` bytes would be out: something must
 * come back first, unless nothing is out.
 */
void *buffers_take(struct buffers *buffers, size_t len, size_t out_max);

/* NULL is allowed. `len` is that of the taking. */
void buffers_give(struct buffers *buffers, void *buffer, size_t len);
void buffers_done(struct buffers *buffers);

#endif
