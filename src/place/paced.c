/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the bytes from the pace first, then passes the call on. */
#include "place/paced.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "os/pace.h"
#include "place/place.h"

struct paced {
	struct place place;
	struct place *inner;
	struct pace *pace;
};

static struct paced *paced_of(struct place *place)
{
	return container_of(place, struct paced, place);
}

static int paced_put(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	pace_take(paced_of(place)->pace, len);
	return place_put(paced_of(place)->inner, name, bytes, len, why);
}

static int paced_put_new(
	struct place *place, const char *name, const void *bytes, size_t len, struct why *why)
{
	pace_take(paced_of(place)->pace, len);
	return place_put_new(paced_of(place)->inner, name, bytes, len, why);
}

static int paced_put_spending(
	struct place *place, const char *name, const struct spending *object, struct why *why)
{
	pace_take(paced_of(place)->pace, object->len);
	return place_put_spending(paced_of(place)->inner, name, object, why);
}

/* Afterwards: how much there is shows only then. */
static ssize_t paced_get(
	struct place *place, const char *name, uint64_t at, void *bytes, size_t len)
{
	ssize_t n = place_get(paced_of(place)->inner, name, at, bytes, len);
	if (n > 0)
		pace_take(paced_of(place)->pace, (size_t)n);
	return n;
}

static int paced_whole(
	struct place *place, const char *name, size_t limit, uint8_t **ret_bytes, size_t *ret_len)
{
	int err = place_get_whole(paced_of(place)->inner, name, limit, ret_bytes, ret_len);
	if (!err)
		pace_take(paced_of(place)->pace, *ret_len);
	return err;
}

static int paced_size(struct place *place, const char *name, uint64_t *ret_size)
{
	return place_size(paced_of(place)->inner, name, ret_size);
}

static int paced_list(struct place *place, const char *folder, place_list_fn *fn, void *arg)
{
	return place_list(paced_of(place)->inner, folder, fn, arg);
}

static int paced_remove(struct place *place, const char *name)
{
	return place_remove(paced_of(place)->inner, name);
}

static int paced_settle(struct place *place, const char *name)
{
	return place_settle(paced_of(place)->inner, name);
}

static int paced_sweep(struct place *place)
{
	return place_sweep(paced_of(place)->inner);
}

/* Without the pace: what it reads it cannot tell. */
static int paced_take_up(struct place *place, const char *folder, const struct place_whole *whole)
{
	return place_take_up(paced_of(place)->inner, folder, whole);
}

static int paced_lock(struct place *place, const char *name, int64_t until_ns, struct why *why)
{
	return place_lock(paced_of(place)->inner, name, until_ns, why);
}

static void paced_close(struct place *place)
{
	free(paced_of(place));
}

int place_paced_open(struct place *inner, struct pace *pace, struct place **ret_place)
{
	static const struct place_ops ops = {
		.put = paced_put,
		.put_new = paced_put_new,
		.put_spending = paced_put_spending,
		.get = paced_get,
		.whole = paced_whole,
		.size = paced_size,
		.list = paced_list,
		.remove = paced_remove,
		.settle = paced_settle,
		.sweep = paced_sweep,
		.take_up = paced_take_up,
		.lock = paced_lock,
		.close = paced_close,
	};
	struct paced *paced = calloc(1, sizeof(*paced));
	if (!paced)
		return -ENOMEM;
	paced->place.ops = &ops;
	paced->place.grain = inner->grain;
	paced->place.streams = inner->streams;
	paced->inner = inner;
	paced->pace = pace;
	*ret_place = &paced->place;
	return 0;
}
