/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in memory whose objects can be spoiled, and whole states of it kept and put back. For
 * tests.
 *
 * One thread.
 */
#ifndef EBB_REPO_TEST_MEM_H
#define EBB_REPO_TEST_MEM_H

#include "base/vec.h"
#include "chunk/object.h"
#include "place/place.h"

struct mem_object {
	char name[OBJECT_NAME];
	uint8_t *bytes;
	size_t len;
};

struct mem_place {
	struct place place;
	VEC(struct mem_object) objects; /* sorted by name */
};

void mem_init(struct mem_place *mem);
void mem_done(struct mem_place *mem);

/* NULL: there is none. Borrowed until the next change. */
struct mem_object *mem_find(const struct mem_place *mem, const char *name);

/* Copies the bytes. */
void mem_set(struct mem_place *mem, const char *name, const void *bytes, size_t len);
void mem_remove(struct mem_place *mem, const char *name);

/* Makes `to`, which is initialised, hold what `from` holds and nothing else. */
void mem_copy(struct mem_place *to, const struct mem_place *from);
bool mem_same(const struct mem_place *a, const struct mem_place *b);

#endif
