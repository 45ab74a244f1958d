/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store's tests have in common: a world with a simulated disk, files as bytes, and a
 * journal's records as a list to compare. For tests only; one thread.
 */
#ifndef EBB_STORE_RIG_TEST_H
#define EBB_STORE_RIG_TEST_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/own.h"
#include "base/rng.h"
#include "base/test.h"
#include "base/vec.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/dice.h"
#include "os/disk.h"
#include "os/world.h"
#include "sim/disk.h"
#include "store/journal.h"

struct rig {
	struct sim_disk *sim;
	struct disk *disk;
	struct world world;
	struct clock clock;
	struct dice dice;
	struct rng rng;
};

static inline int64_t rig_time(struct clock *clock)
{
	(void)clock;
	return INT64_C(1704067200) * 1000000000;
}

static inline void rig_dice(struct dice *dice, void *bytes, size_t len)
{
	struct rig *rig = container_of(dice, struct rig, dice);
	rng_fill(&rig->rng, bytes, len);
}

static inline void rig_init(struct rig *rig)
{
	static const struct clock_ops clock_ops = {.mono_ns = rig_time, .wall_ns = rig_time};
	static const struct dice_ops dice_ops = {.fill = rig_dice};
	*rig = (struct rig){.sim = sim_disk_new()};
	CHECK(rig->sim);
	rng_seed(&rig->rng, 1);
	rig->clock.ops = &clock_ops;
	rig->dice.ops = &dice_ops;
	rig->disk = sim_disk_seam(rig->sim);
	rig->world = (struct world){.disk = rig->disk, .clock = &rig->clock, .dice = &rig->dice};
}

static inline void rig_done(struct rig *rig)
{
	sim_disk_free(rig->sim);
}

static inline uint64_t rig_as_durable(void *arg, enum sim_thing thing, uint64_t options)
{
	(void)arg;
	(void)thing;
	(void)options;
	return 0;
}

static inline void sim_disk_free_own(struct sim_disk **sim)
{
	sim_disk_free(*sim);
}

struct bytes {
	uint8_t *at;
	size_t len;
};

static inline void bytes_done(struct bytes *bytes)
{
	free(bytes->at);
}

/* The whole file; a test fails when it is not there. */
static inline struct bytes rig_get(struct rig *rig, const char *name)
{
	struct file *file;
	struct bytes bytes;
	uint64_t size;
	CHECK_EQ(disk_open(rig->disk, name, FILE_READ, &file), 0);
	CHECK_EQ(file_size(file, &size), 0);
	bytes.len = (size_t)size;
	bytes.at = malloc(bytes.len + 1);
	CHECK(bytes.at);
	CHECK_EQ(file_read_full(file, bytes.at, bytes.len, 0), 0);
	file_close(file);
	return bytes;
}

static inline void rig_put(struct rig *rig, const char *name, const void *bytes, size_t len)
{
	struct file *file;
	CHECK_EQ(disk_open(rig->disk, name, FILE_READ | FILE_WRITE | FILE_CREATE, &file), 0);
	CHECK_EQ(file_truncate(file, 0), 0);
	CHECK_EQ(file_write_full(file, bytes, len, 0), 0);
	CHECK_EQ(file_sync(file), 0);
	file_close(file);
}

/* A journal's records as reading gave them. */
struct told {
	uint64_t sequence;
	uint16_t kind;
	struct bytes bytes;
};

struct list {
	VEC(struct told) told;
};

static inline void list_done(struct list *list)
{
	vec_each (told, &list->told)
		bytes_done(&told->bytes);
	vec_done(&list->told);
}

static inline int list_tell(void *arg, const struct journal_record *record, struct why *why)
{
	struct list *list = arg;
	struct told told = {.sequence = record->sequence, .kind = record->kind};
	(void)why;
	told.bytes.len = record->len;
	told.bytes.at = malloc(record->len + 1);
	if (!told.bytes.at)
		return -ENOMEM;
	memcpy(told.bytes.at, record->bytes, record->len);
	int err = vec_push(&list->told, told);
	if (err)
		bytes_done(&told.bytes);
	return err;
}

/* Whether the first `count` of both are the same. */
static inline bool list_same(const struct list *a, const struct list *b, size_t count)
{
	if (a->told.len < count || b->told.len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct told *x = &a->told.at[i], *y = &b->told.at[i];
		if (x->sequence != y->sequence || x->kind != y->kind ||
			x->bytes.len != y->bytes.len ||
			memcmp(x->bytes.at, y->bytes.at, x->bytes.len) != 0)
			return false;
	}
	return true;
}

#endif
