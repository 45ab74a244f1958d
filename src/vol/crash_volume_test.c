/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of volumes. A script writes, zeroes, flushes, cuts, drops and merges; the model
 * knows for each block which contents may be there, exactly what each snapshot holds, and what a
 * consumer must be told. Every recovery compares all of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/own.h"
#include "base/why.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"
#include "vol/crash_model_test.h"
#include "vol/volume.h"
#include "vol/volume_inner.h"

enum { SNAPSHOTS = 3, MAYBE = 8 };

/* A block that was being written over may be torn. */
enum { SECTOR = 512, SECTORS = VOL_BLOCK / SECTOR };

struct content {
	uint8_t sector[PICKED][SECTORS];
	uint64_t values[PICKED]; /* one bit for each content that any of its bytes has */
};

#define SIZE ((uint64_t)EXTENTS * VOL_EXTENT)

/* Contents are numbers: 0 is zeros. */
struct model {
	uint8_t count[PICKED];
	uint8_t maybe[PICKED][MAYBE]; /* the first is the newest that is durable */
};

struct kept {
	struct crash_kept as;
	struct content content;
};

struct state {
	bool made, maybe_made;
	struct model now;
	uint8_t written; /* the last content used */
	struct kept kept[SNAPSHOTS];
	uint64_t size, next_size; /* in blocks: it is the one or the other */
	struct content seen;      /* by consumer "c", in the first snapshot */
};

static int open_volume(struct disk *disk, bool make, struct volume **ret_volume, struct why *why)
{
	struct volume_options options = {
		.disk = disk, .identity = "one volume only", .make_size = make ? SIZE : 0};
	return volume_open(&options, ret_volume, why);
}

static int read_block(
	struct volume *volume, uint32_t era, size_t i, struct content *ret_content, struct why *why)
{
	uint8_t bytes[VOL_BLOCK];
	int err = volume_read(
		volume, era, (uint64_t)picked[i] * VOL_BLOCK, bytes, sizeof(bytes), why);
	ret_content->values[i] = 0;
	for (size_t n = 0; n < SECTORS; n++)
		ret_content->sector[i][n] = 0;
	if (picked[i] >=
		map_view_size(volume_map(volume), era ? era : volume_map(volume)->era) / VOL_BLOCK)
		return err == -EINVAL ? 0 : -EBADMSG;
	for (size_t at = 0; !err && at < sizeof(bytes); at++)
		ret_content->values[i] |= UINT64_C(1) << bytes[at] % 64;
	for (size_t n = 0; n < SECTORS; n++)
		ret_content->sector[i][n] = bytes[n * SECTOR];
	return err;
}

static bool is_maybe(const struct model *model, size_t i, uint8_t content)
{
	return model->count[i] && memchr(model->maybe[i], content, model->count[i]);
}

static int check_now(const struct state *state, struct volume *volume, struct content *ret_content,
	struct why *why)
{
	uint64_t size = volume_map(volume)->size / VOL_BLOCK;
	uint64_t least = state->size < state->next_size ? state->size : state->next_size;
	/* A check that crashed may have made it as large. */
	if (size != state->size && size != state->next_size && size != GROWN)
		return why_set(why, -EBADMSG, "%llu blocks are not what it was made",
			(unsigned long long)size);
	for (size_t i = 0; i < PICKED; i++) {
		int err = read_block(volume, 0, i, ret_content, why);
		if (err)
			return err;
		uint64_t maybe = picked[i] >= least;
		if (picked[i] >= volume_map(volume)->size / VOL_BLOCK)
			continue;
		for (size_t n = 0; n < state->now.count[i]; n++)
			maybe |= UINT64_C(1) << state->now.maybe[i][n];
		if (ret_content->values[i] & ~maybe)
			return why_set(why, -EBADMSG, "block %u holds %u, which it cannot",
				picked[i], ret_content->sector[i][0]);
	}
	return 0;
}

static int check_kept(const struct kept *kept, struct volume *volume, struct why *why)
{
	const struct map_snapshot *snapshot;
	int err = crash_find_kept(&kept->as, volume, &snapshot, why);
	if (err || !snapshot)
		return err;
	for (size_t i = 0; i < PICKED; i++) {
		struct content content;
		err = read_block(volume, snapshot->era, i, &content, why);
		if (err)
			return err;
		if (content.values[i] & (content.values[i] - 1) ||
			memcmp(content.sector[i], kept->content.sector[i], SECTORS) != 0)
			return why_set(why, -EBADMSG, "block %u of %s holds %u, not %u", picked[i],
				kept->as.name, content.sector[i][0], kept->content.sector[i][0]);
	}
	return 0;
}

/* What differs from what the consumer saw must be told. */
static int check_changes(const struct state *state, struct volume *volume,
	const struct content *content, struct why *why)
{
	bool differs[PICKED];
	for (size_t i = 0; i < PICKED; i++)
		differs[i] = memcmp(content->sector[i], state->seen.sector[i], SECTORS) != 0;
	return crash_check_told(volume, differs, why);
}

static int check_all(const struct state *state, struct volume *volume, struct content *ret_content,
	struct why *why)
{
	int err = check_now(state, volume, ret_content, why);
	for (size_t i = 0; !err && i < SNAPSHOTS; i++)
		err = check_kept(&state->kept[i], volume, why);
	return err ? err : check_changes(state, volume, ret_content, why);
}

/* ---- the script ---- */

static void settle(struct model *model, size_t i, uint8_t content)
{
	model->count[i] = 1;
	model->maybe[i][0] = content;
}

static int write_picked(
	struct state *state, struct volume *volume, unsigned which, bool zero, struct why *why)
{
	uint8_t bytes[VOL_BLOCK], content = zero ? 0 : ++state->written;
	memset(bytes, content, sizeof(bytes));
	int err = 0;
	for (size_t i = 0; !err && i < PICKED; i++) {
		if (!(which >> i & 1))
			continue;
		must(state->now.count[i] < MAYBE);
		state->now.maybe[i][state->now.count[i]++] = content;
		uint64_t at = (uint64_t)picked[i] * VOL_BLOCK;
		err = zero ? volume_zero(volume, at, VOL_BLOCK, why)
			   : volume_write(volume, at, bytes, sizeof(bytes), why);
	}
	return err;
}

/* The newest of each block is durable when this answered 0. */
static void all_durable(struct state *state)
{
	for (size_t i = 0; i < PICKED; i++)
		settle(&state->now, i, state->now.maybe[i][state->now.count[i] - 1]);
}

static int flush(struct state *state, struct volume *volume, struct why *why)
{
	int err = volume_flush(volume, why);
	/* Who does not give up at the first error must not be told that all is well. */
	if (!err || volume_flush(volume, NULL) == 0)
		all_durable(state);
	return err;
}

static int cut(struct state *state, struct volume *volume, size_t which, struct why *why)
{
	struct kept *kept = &state->kept[which];
	snprintf(kept->as.name, sizeof(kept->as.name), "s%zu", which);
	for (size_t i = 0; i < PICKED; i++)
		memset(kept->content.sector[i], state->now.maybe[i][state->now.count[i] - 1],
			SECTORS);
	kept->as.is = MAY_BE;
	int err = volume_cut(volume, kept->as.name, 0, why);
	if (!err) {
		kept->as.is = IS_THERE;
		all_durable(state);
	}
	return err;
}

static int drop(struct state *state, struct volume *volume, size_t which, struct why *why)
{
	struct kept *kept = &state->kept[which];
	kept->as.is = MAY_GO;
	int err = volume_drop(volume, kept->as.name, why);
	if (!err) {
		kept->as.is = NOT_THERE;
		kept->as.name[0] = '\0';
	}
	return err;
}

static int rest(struct state *state, struct volume *volume, bool all, struct why *why)
{
	int err = volume_rest(volume, all, why);
	if (!err)
		all_durable(state);
	return err;
}

static int pass(struct state *state, struct volume *volume, struct why *why)
{
	state->seen = state->kept[0].content;
	uint32_t era = map_snapshot(volume_map(volume), "s0")->era;
	return volume_passed(volume, "c", era, why);
}

/* What is cut off is lost once it was, and what is added is zeros. */
static int resize(struct state *state, struct volume *volume, unsigned blocks, struct why *why)
{
	state->next_size = blocks;
	int err = volume_resize(volume, (uint64_t)blocks * VOL_BLOCK, true, why);
	if (err)
		return err;
	all_durable(state);
	for (size_t i = 0; i < PICKED; i++)
		if (picked[i] >= blocks || picked[i] >= state->size)
			settle(&state->now, i, 0);
	state->size = blocks;
	return 0;
}

enum act { RESIZE, WRITE, ZERO, FLUSH, CUT, DROP, MERGE, PASS, TIDY, REST, REST_ALL, SCRUB };

static const struct step {
	enum act act;
	unsigned what; /* blocks, or a snapshot */
} script[] = {
	{WRITE, 0x17},
	{FLUSH, 0},
	{WRITE, 0x06},
	{REST_ALL, 0},
	{WRITE, 0x09},
	{REST, 0},
	{CUT, 0},
	{PASS, 0},
	{WRITE, 0x03},
	{FLUSH, 0},
	{ZERO, 0x14},
	{WRITE, 0x01},
	{CUT, 1},
	{WRITE, 0x29},
	{DROP, 0},
	{REST_ALL, 0},
	{MERGE, 0},
	{SCRUB, 0},
	{RESIZE, 64},
	{WRITE, 0x02},
	{TIDY, 0},
	{FLUSH, 0},
	{CUT, 2},
	{RESIZE, GROWN},
	{WRITE, 0x20},
	{DROP, 1},
	{DROP, 2},
	{MERGE, 0},
	{WRITE, 0x07},
	{WRITE, 0x18},
	{FLUSH, 0},
	{REST, 0},
	{WRITE, 0x01},
};

static int act(struct state *state, struct volume *volume, const struct step *step, struct why *why)
{
	switch (step->act) {
	case WRITE:
	case ZERO:
		return write_picked(state, volume, step->what, step->act == ZERO, why);
	case FLUSH:
		return flush(state, volume, why);
	case CUT:
		return cut(state, volume, step->what, why);
	case DROP:
		return drop(state, volume, step->what, why);
	case MERGE:
		return crash_merge(volume, why);
	case PASS:
		return pass(state, volume, why);
	case TIDY:
		return volume_tidy_now(volume, why);
	case RESIZE:
		return resize(state, volume, step->what, why);
	case REST:
	case REST_ALL:
		return rest(state, volume, step->act == REST_ALL, why);
	case SCRUB:
		return crash_scrub(volume, why);
	}
	return -EINVAL;
}

static int first_life(struct state *state, struct disk *disk, struct why *why)
{
	OWN(volume_close_own) struct volume *volume = NULL;
	state->maybe_made = true;
	state->size = state->next_size = SIZE / VOL_BLOCK;
	for (size_t i = 0; i < PICKED; i++)
		settle(&state->now, i, 0);
	int err = open_volume(disk, true, &volume, why);
	state->made = !err;
	for (size_t i = 0; !err && i < sizeof(script) / sizeof(*script); i++)
		err = act(state, volume, &script[i], why);
	return err;
}

/* Opens what the first left, holds what it reads for promised after a flush, and goes on. */
static int second_life(struct state *state, struct disk *disk, struct why *why)
{
	enum { SECOND = 0x2a }; /* the blocks that it writes */
	OWN(volume_close_own) struct volume *volume = NULL;
	struct content content;
	int err = open_volume(disk, !state->made, &volume, why);
	if (err)
		return err;
	state->made = true;
	err = check_all(state, volume, &content, why);
	if (!err)
		err = volume_flush(volume, why);
	for (size_t i = 0; !err && i < PICKED; i++) {
		/* Torn blocks stay torn: their sectors stay possible, others do not. */
		state->now.count[i] = 0;
		for (size_t n = 0; n < SECTORS; n++)
			if (!is_maybe(&state->now, i, content.sector[i][n]))
				state->now.maybe[i][state->now.count[i]++] = content.sector[i][n];
	}
	if (!err)
		err = crash_scrub(volume, why);
	if (!err)
		err = volume_rest(volume, true, why);
	state->size = volume_map(volume)->size / VOL_BLOCK;
	if (!err && state->size < GROWN)
		err = resize(state, volume, GROWN, why);
	if (!err)
		err = write_picked(state, volume, SECOND, false, why);
	if (!err)
		err = volume_flush(volume, why);
	for (size_t i = 0; !err && i < PICKED; i++)
		if (SECOND >> i & 1)
			settle(&state->now, i, state->written);
	return err;
}

static int run(void *arg, struct world *world, struct why *why)
{
	struct life life;
	life_begin(&life, world, 1);
	int err = first_life(arg, life.world.disk, why);
	if (!err)
		return 0;
	life_begin(&life, world, 2);
	return second_life(arg, life.world.disk, why);
}

/* What a larger volume has more reads as zeros. */
static int check_growth(struct volume *volume, struct why *why)
{
	uint64_t size = volume_map(volume)->size / VOL_BLOCK;
	int err = size < GROWN ? volume_resize(volume, (uint64_t)GROWN * VOL_BLOCK, false, why) : 0;
	for (size_t i = 0; !err && i < PICKED; i++) {
		struct content content;
		err = read_block(volume, 0, i, &content, why);
		if (!err && picked[i] >= size && content.values[i] != 1)
			err = why_set(why, -EBADMSG, "block %u is back, where the volume grew",
				picked[i]);
	}
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state *state = arg;
	OWN(volume_close_own) struct volume *volume = NULL;
	struct content content, again;
	(void)faulty;
	int err = open_volume(world->disk, !state->made, &volume, why);
	if (!err)
		err = check_all(state, volume, &content, why);
	if (!err)
		err = crash_merge(volume, why);
	if (!err)
		err = crash_scrub(volume, why);
	if (!err)
		err = volume_rest(volume, true, why);
	if (!err)
		err = check_all(state, volume, &again, why);
	if (!err && memcmp(&content, &again, sizeof(content)) != 0)
		err = why_set(why, -EBADMSG, "merging changed the volume");
	return err ? err : check_growth(volume, why);
}

static const struct scenario volume = {
	.name = "volume", .state_size = sizeof(struct state), .run = run, .check = check};

int main(int argc, char **argv)
{
	const struct crash_case cases[] = {
		{.scenario = &volume,
			.options = {.allocations = &alloc_faults,
				.exhaustive = 512,
				.samples = 64,
				.recovery_points = 8},
			.killed = {.exhaustive = 64,
				.samples = 16,
				.recovery_points = 2,
				.no_faults = true},
			.kills = 7},
	};
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
