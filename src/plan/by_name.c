/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted list of numbers. */
#include "plan/by_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static const char *name_of(const struct by_name *names, uint32_t number)
{
	return names->first + number * names->size;
}

static int in_order(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(name_of(arg, x), name_of(arg, y));
	return order ? order : (x > y) - (x < y);
}

int by_name_make(struct arena *arena, const void *first, size_t size, size_t count,
	struct by_name *ret_names)
{
	struct by_name names = {.first = first, .size = size, .count = count};
	names.order = arena_take(arena, count, sizeof(*names.order));
	if (!names.order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		names.order[i] = (uint32_t)i;
	if (count)
		qsort_r(names.order, count, sizeof(*names.order), in_order, &names);
	*ret_names = names;
	return 0;
}

int32_t by_name_find(const struct by_name *names, const char *name)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(name_of(names, names->order[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == names->count || strcmp(name_of(names, names->order[low]), name) != 0)
		return BY_NAME_NONE;
	return (int32_t)names->order[low];
}

int32_t by_name_twice(const struct by_name *names)
{
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(name_of(names, names->order[i - 1]), name_of(names, names->order[i])) ==
			0)
			return (int32_t)names->order[i];
	return BY_NAME_NONE;
}
