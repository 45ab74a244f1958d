/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where objects live: a small set of calls that a folder, an object store or another node can keep.
 * Objects are written once under a name of their own and never changed; a place knows nothing of
 * what is in them.
 *
 * Names are those of chunk/object.h: lowercase words, digits and dashes in at most three folders.
 *
 * Calls block and come from any thread, several at once; close() comes when no other runs. Two
 * calls at once that write or remove the same name leave one of their outcomes, whole.
 */
#ifndef EBB_PLACE_PLACE_H
#define EBB_PLACE_PLACE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

struct place {
	const struct place_ops *ops;
	/* Long reads from and to multiples of it, into such memory, cost least; 0: any. */
	size_t grain;
	unsigned streams; /* puts at once by which it is faster; 0: one */
};

/* False stops the walk. */
typedef bool place_list_fn(void *arg, const char *name, uint64_t size);

/* How place_take_up() finds out that bytes are all of an object and what was sent. */
struct place_whole {
	bool (*is_whole)(void *arg, const char *name, uint8_t *bytes, size_t len);
	void *arg;
	size_t limit; /* what is longer is none */
};

/* An object whose bytes may go as they arrive: nobody looks at those before `upto` again. */
struct spending {
	const void *bytes;
	size_t len;
	void (*spent)(void *arg, size_t upto); /* on the caller's thread */
	void *arg;
};

/* put_spending, settle, sweep, take_up, lock and whole may be NULL. */
struct place_ops {
	int (*put)(struct place *place, const char *name, const void *bytes, size_t len,
		struct why *why);
	int (*put_new)(struct place *place, const char *name, const void *bytes, size_t len,
		struct why *why);
	int (*put_spending)(struct place *place, const char *name, const struct spending *object,
		struct why *why);
	ssize_t (*get)(struct place *place, const char *name, uint64_t at, void *bytes, size_t len);
	int (*whole)(struct place *place, const char *name, size_t limit, uint8_t **ret_bytes,
		size_t *ret_len);
	int (*size)(struct place *place, const char *name, uint64_t *ret_size);
	int (*list)(struct place *place, const char *folder, place_list_fn *fn, void *arg);
	int (*remove)(struct place *place, const char *name);
	int (*settle)(struct place *place, const char *name);
	int (*sweep)(struct place *place);
	int (*take_up)(struct place *place, const char *folder, const struct place_whole *whole);
	int (*lock)(struct place *place, const char *name, int64_t until_ns, struct why *why);
	void (*close)(struct place *place);
};

/*
 * Durable, whole and under its name when it returns 0; after any failure the name holds what it
 * held before. An object that is there is replaced in one step: only a repair does that, with the
 * bytes that had been written first.
 *
 * A writer that is killed leaves objects of which not all bytes have arrived: together less than
 * the longest that it put. Those that have arrived place_take_up() finds.
 */
static inline int place_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	return place->ops->put(place, name, bytes, len, why);
}

/* The same of one that is spent meanwhile, as far as the place can do without. */
static inline int place_put_spending(
	struct place *place, const char *name, const struct spending *object, struct why *why)
{
	if (place->ops->put_spending)
		return place->ops->put_spending(place, name, object, why);
	return place->ops->put(place, name, object->bytes, object->len, why);
}

/* place_put(), but -EEXIST when the name is there: of two writers at once exactly one succeeds. */
static inline int place_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	return place->ops->put_new(place, name, bytes, len, why);
}

/* Bytes read, fewer than `len` only at the end of the object. -ENOENT, -EIO ... */
static inline ssize_t place_get(
	struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	return place->ops->get(place, name, at, bytes, len);
}

static inline int place_size(struct place *place, const char *name, uint64_t *ret_size)
{
	return place->ops->size(place, name, ret_size);
}

/* Every object under "data", "meta", "index" ..., in no order. A folder that is not there is empty.
 */
static inline int place_list(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	return place->ops->list(place, folder, fn, arg);
}

/* Durable when it returns 0; -ENOENT when there is none, -EPERM when it is locked. */
static inline int place_remove(struct place *place, const char *name)
{
	return place->ops->remove(place, name);
}

/*
 * Makes durable what another process, which may be dead, has put under that name and perhaps not
 * waited for. Where a name that is there is durable this does nothing.
 */
static inline int place_settle(struct place *place, const char *name)
{
	return place->ops->settle ? place->ops->settle(place, name) : 0;
}

/*
 * Removes what writers that were killed have left of objects that they did not finish, and nothing
 * that is being written. For a collection, now and then. What cannot be removed stays: no error.
 */
static inline int place_sweep(struct place *place)
{
	return place->ops->sweep ? place->ops->sweep(place) : 0;
}

/*
 * Objects under `folder` that came to their last byte and did not get their name, because their
 * writer was killed: gives it to them, durably. None that is being written by a living one is taken
 * from him. What is not whole stays for the sweep; so does what cannot be taken up: no error.
 */
static inline int place_take_up(
	struct place *place, const char *folder, const struct place_whole *whole)
{
	return place->ops->take_up ? place->ops->take_up(place, folder, whole) : 0;
}

/*
 * Nobody, not even the place's owner, removes or changes the object before that moment (wall time).
 * A lock is made longer, never shorter. -EOPNOTSUPP where the place cannot; -ENOENT.
 */
static inline int place_lock(
	struct place *place, const char *name, int64_t until_ns, struct why *why)
{
	if (!place->ops->lock)
		return why_set(why, -EOPNOTSUPP, "this place cannot lock objects");
	return place->ops->lock(place, name, until_ns, why);
}

/* Takes the place; NULL is allowed. */
static inline void place_close(struct place *place)
{
	if (place)
		place->ops->close(place);
}

/* Memory for at least `len` bytes that are read, on the place's grain. Gives it; NULL: none. */
void *place_memory(const struct place *place, size_t len);

/* The whole object. Gives the bytes; -EFBIG above `limit`. */
int place_get_whole(
	struct place *place, const char *name, size_t limit, uint8_t **ret_bytes, size_t *ret_len);

#endif
