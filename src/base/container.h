/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a member to the struct that holds it: how a callback that is handed its timer, task or
 * request finds its owner.
 *
 * Any thread.
 */
#ifndef EBB_BASE_CONTAINER_H
#define EBB_BASE_CONTAINER_H

#include <stddef.h>

/* Refuses, when compiled, a pointer of another type than the member's. */
#define container_of(pointer, type, member) \
	({ \
		__typeof__(((type *)0)->member) *member_ = (pointer); \
		(type *)(void *)((char *)member_ - offsetof(type, member)); \
	})

#endif
