/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding things by name in an array of structs that begin with one (core/name.h).
 *
 * Any thread.
 */
#ifndef EBB_PLAN_BY_NAME_H
#define EBB_PLAN_BY_NAME_H

#include <stddef.h>
#include <stdint.h>

struct arena;

struct by_name {
	const char *first; /* the first struct */
	size_t size;       /* of one */
	uint32_t *order;
	size_t count;
};

enum { BY_NAME_NONE = -1 };

/* Borrows the structs. 0 or -ENOMEM. */
int by_name_make(struct arena *arena, const void *first, size_t size, size_t count,
	struct by_name *ret_names);

/* Its number, or BY_NAME_NONE. */
int32_t by_name_find(const struct by_name *names, const char *name);

/* The number of one whose name another has too (the later of the two), or BY_NAME_NONE. */
int32_t by_name_twice(const struct by_name *names);

#endif
