/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in one sorted row: there are few. */
#include "repo/test_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"

static struct mem_place *of(struct place *place)
{
	return container_of(place, struct mem_place, place);
}

/* Where the name is, or would stand. */
static size_t where(const struct mem_place *mem, const char *name, bool *ret_there)
{
	size_t from = 0, to = mem->objects.len;
	while (from < to) {
		size_t middle = (from + to) / 2;
		if (strcmp(mem->objects.at[middle].name, name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	*ret_there = from < mem->objects.len && strcmp(mem->objects.at[from].name, name) == 0;
	return from;
}

struct mem_object *mem_find(const struct mem_place *mem, const char *name)
{
	bool there;
	size_t at = where(mem, name, &there);
	return there ? &mem->objects.at[at] : NULL;
}

void mem_set(struct mem_place *mem, const char *name, const void *bytes, size_t len)
{
	bool there;
	size_t at = where(mem, name, &there);
	uint8_t *copy = malloc(len + 1);
	must(copy);
	memcpy(copy, bytes, len);
	if (!there) {
		struct mem_object fresh = {.bytes = NULL};
		must(!vec_push(&mem->objects, fresh));
		memmove(&mem->objects.at[at + 1], &mem->objects.at[at],
			(mem->objects.len - 1 - at) * sizeof(fresh));
		snprintf(fresh.name, sizeof(fresh.name), "%s", name);
		mem->objects.at[at] = fresh;
	}
	free(mem->objects.at[at].bytes);
	mem->objects.at[at].bytes = copy;
	mem->objects.at[at].len = len;
}

void mem_remove(struct mem_place *mem, const char *name)
{
	bool there;
	size_t at = where(mem, name, &there);
	must(there);
	free(mem->objects.at[at].bytes);
	mem->objects.len--;
	memmove(&mem->objects.at[at], &mem->objects.at[at + 1],
		(mem->objects.len - at) * sizeof(mem->objects.at[0]));
}

void mem_copy(struct mem_place *to, const struct mem_place *from)
{
	mem_done(to);
	vec_each (object, &from->objects)
		mem_set(to, object->name, object->bytes, object->len);
}

bool mem_same(const struct mem_place *a, const struct mem_place *b)
{
	if (a->objects.len != b->objects.len)
		return false;
	for (size_t i = 0; i < a->objects.len; i++) {
		const struct mem_object *x = &a->objects.at[i], *y = &b->objects.at[i];
		if (strcmp(x->name, y->name) != 0 || x->len != y->len ||
			memcmp(x->bytes, y->bytes, x->len) != 0)
			return false;
	}
	return true;
}

void mem_done(struct mem_place *mem)
{
	vec_each (object, &mem->objects)
		free(object->bytes);
	vec_done(&mem->objects);
}

static int put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	(void)why;
	mem_set(of(place), name, bytes, len);
	return 0;
}

static int put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	if (mem_find(of(place), name))
		return why_set(why, -EEXIST, "%s: it is there", name);
	return put(place, name, bytes, len, why);
}

static ssize_t get(struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	const struct mem_object *object = mem_find(of(place), name);
	if (!object)
		return -ENOENT;
	size_t n = at >= object->len ? 0 : object->len - at < len ? object->len - (size_t)at : len;
	memcpy(bytes, object->bytes + at, n);
	return (ssize_t)n;
}

static int size_of(struct place *place, const char *name, uint64_t *ret_size)
{
	const struct mem_object *object = mem_find(of(place), name);
	if (!object)
		return -ENOENT;
	*ret_size = object->len;
	return 0;
}

static int list(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	const struct mem_place *mem = of(place);
	size_t len = strlen(folder);
	bool there;
	for (size_t i = where(mem, folder, &there); i < mem->objects.len; i++) {
		const struct mem_object *object = &mem->objects.at[i];
		if (strncmp(object->name, folder, len) != 0)
			break;
		if (object->name[len] == '/' && !fn(arg, object->name, object->len))
			break;
	}
	return 0;
}

static int remove_one(struct place *place, const char *name)
{
	if (!mem_find(of(place), name))
		return -ENOENT;
	mem_remove(of(place), name);
	return 0;
}

static void close_place(struct place *place)
{
	(void)place;
}

static int whole(
	struct place *place, const char *name, size_t limit, uint8_t **ret_bytes, size_t *ret_len)
{
	const struct mem_object *object = mem_find(of(place), name);
	if (!object)
		return -ENOENT;
	if (object->len > limit)
		return -EFBIG;
	uint8_t *bytes = malloc(object->len + 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, object->bytes, object->len);
	*ret_bytes = bytes;
	*ret_len = object->len;
	return 0;
}

static const struct place_ops ops = {.put = put,
	.put_new = put_new,
	.get = get,
	.whole = whole,
	.size = size_of,
	.list = list,
	.remove = remove_one,
	.close = close_place};

void mem_init(struct mem_place *mem)
{
	*mem = (struct mem_place){.place = {.ops = &ops}};
}
