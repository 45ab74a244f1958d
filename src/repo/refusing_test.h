/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in front of another one that refuses changes when a test wants it. For tests only; one
 * thread.
 */
#ifndef EBB_REPO_REFUSING_TEST_H
#define EBB_REPO_REFUSING_TEST_H

#include "base/container.h"
#include "place/place.h"

struct refusing {
	struct place place;
	struct place *inner;
	/* Asked before each change; not 0 is the answer then. `why` is NULL of a removal. */
	int (*refuse)(struct refusing *refusing, struct why *why);
};

static inline struct refusing *refusing_of(struct place *place)
{
	return container_of(place, struct refusing, place);
}

static inline int refusing_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct refusing *refusing = refusing_of(place);
	int err = refusing->refuse(refusing, why);
	return err ? err : place_put(refusing->inner, name, bytes, len, why);
}

static inline int refusing_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	struct refusing *refusing = refusing_of(place);
	int err = refusing->refuse(refusing, why);
	return err ? err : place_put_new(refusing->inner, name, bytes, len, why);
}

static inline ssize_t refusing_get(
	struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	return place_get(refusing_of(place)->inner, name, at, bytes, len);
}

static inline int refusing_size(struct place *place, const char *name, uint64_t *ret_size)
{
	return place_size(refusing_of(place)->inner, name, ret_size);
}

static inline int refusing_list(
	struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	return place_list(refusing_of(place)->inner, folder, fn, arg);
}

static inline int refusing_remove(struct place *place, const char *name)
{
	struct refusing *refusing = refusing_of(place);
	int err = refusing->refuse(refusing, NULL);
	return err ? err : place_remove(refusing->inner, name);
}

static const struct place_ops refusing_ops = {.put = refusing_put,
	.put_new = refusing_put_new,
	.get = refusing_get,
	.size = refusing_size,
	.list = refusing_list,
	.remove = refusing_remove};

#endif
