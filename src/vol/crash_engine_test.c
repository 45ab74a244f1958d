/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crash exploration of the engine. A script keeps writes, flushes, cuts, drops and merges in flight
 * beside each other, in an order that dice choose; the model knows for each block which contents
 * may be there, and narrows that when a flush is answered. What is left is opened and read by the
 * blocking volume.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/container.h"
#include "base/must.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "sim/alloc_fault.h"
#include "store/crash_test.h"
#include "vol/crash_model_test.h"
#include "vol/engine_inner.h"
#include "vol/pump_test.h"

enum { SNAPSHOTS = 3, MAYBE = 16, RECENT_WORDS = 96 };

/* Of the script, for the scenarios before the one that lives all of it. */
enum { SHORT = 45, LONG_LIFE = 4 };

#define SIZE ((uint64_t)EXTENTS * VOL_EXTENT)

/* Sets of contents, which are numbers below 64; 0 is zeros. */
#define ONE(content) (UINT64_C(1) << (content))

struct model {
	uint8_t maybe[MAYBE]; /* in the order of the writes */
	uint8_t first, count; /* older ones than `first` are not possible any more */
	uint8_t answered;     /* the newest that was answered */
};

struct kept {
	struct crash_kept as;
	uint64_t may_hold[PICKED];
};

/* What is left when the process is killed: memory, and what was answered by then. */
struct left {
	uint64_t recent[RECENT_WORDS];
	uint8_t answered[PICKED];
};

struct state {
	bool made, no_sums;
	uint64_t recent[RECENT_WORDS];
	struct left left;
	struct model now[PICKED];
	uint8_t written; /* the last content used */
	struct kept kept[SNAPSHOTS];
	uint64_t seen[PICKED];    /* by consumer "c", in the first snapshot */
	uint64_t size, next_size; /* in blocks: it is the one or the other */
};

static void settle(struct model *model, uint8_t content)
{
	*model = (struct model){.maybe = {content}, .count = 1};
}

static uint64_t may_hold(const struct model *model, unsigned from)
{
	uint64_t set = 0;
	for (unsigned i = from; i < model->count; i++)
		set |= ONE(model->maybe[i]);
	return set;
}

/* ---- comparing what was left ---- */

/* The memory of the process is there when the machine did not go down. */
static int open_volume(struct disk *disk, const struct state *state,
	const struct recent_memory *memory, const char *boot, struct volume **ret_volume,
	struct why *why)
{
	struct volume_options options = {.disk = disk,
		.identity = "one volume only",
		.make_size = state->made ? 0 : SIZE,
		.no_sums = state->no_sums,
		.recent = memory};
	memcpy(options.boot, boot, strlen(boot));
	return volume_open(&options, ret_volume, why);
}

static uint64_t contents(const uint8_t bytes[VOL_BLOCK])
{
	uint64_t set = 0;
	for (size_t at = 0; at < VOL_BLOCK; at++)
		set |= ONE(bytes[at] % 64);
	return set;
}

static int read_block(
	struct volume *volume, uint32_t era, size_t i, uint64_t *ret_set, struct why *why)
{
	uint8_t bytes[VOL_BLOCK] = {0};
	int err = volume_read(
		volume, era, (uint64_t)picked[i] * VOL_BLOCK, bytes, sizeof(bytes), why);
	*ret_set = contents(bytes);
	return err;
}

static int check_now(
	const struct state *state, struct volume *volume, uint64_t *ret_sets, struct why *why)
{
	uint64_t size = volume_map(volume)->size / VOL_BLOCK;
	uint64_t least = state->size < state->next_size ? state->size : state->next_size;
	/* A check that crashed may have made it as large. */
	if (size != state->size && size != state->next_size && size != GROWN)
		return why_set(why, -EBADMSG, "%llu blocks are not what it was made",
			(unsigned long long)size);
	for (size_t i = 0; i < PICKED; i++) {
		ret_sets[i] = 0;
		if (picked[i] >= size)
			continue;
		int err = read_block(volume, 0, i, &ret_sets[i], why);
		if (err)
			return err;
		uint64_t maybe = may_hold(&state->now[i], state->now[i].first) |
			(picked[i] >= least ? ONE(0) : 0);
		if (ret_sets[i] & ~maybe)
			return why_set(why, -EBADMSG, "block %u holds %llx, which it cannot",
				picked[i], (unsigned long long)ret_sets[i]);
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
		uint64_t set;
		if (picked[i] >= snapshot->size / VOL_BLOCK)
			continue;
		err = read_block(volume, snapshot->era, i, &set, why);
		if (err)
			return err;
		if (set & (set - 1) || set & ~kept->may_hold[i])
			return why_set(why, -EBADMSG, "block %u of %s holds %llx, not %llx",
				picked[i], kept->as.name, (unsigned long long)set,
				(unsigned long long)kept->may_hold[i]);
	}
	return 0;
}

/* What differs from what the consumer saw must be told. */
static int check_changes(
	const struct state *state, struct volume *volume, const uint64_t *sets, struct why *why)
{
	bool differs[PICKED];
	for (size_t i = 0; i < PICKED; i++)
		differs[i] = sets[i] != state->seen[i];
	return crash_check_told(volume, differs, why);
}

static int check_all(
	const struct state *state, struct volume *volume, uint64_t *ret_sets, struct why *why)
{
	int err = check_now(state, volume, ret_sets, why);
	for (size_t i = 0; !err && i < SNAPSHOTS; i++)
		err = check_kept(&state->kept[i], volume, why);
	return err ? err : check_changes(state, volume, ret_sets, why);
}

/* ---- one life of an engine ---- */

struct running {
	struct engine_request request;
	struct living *living;
	bool busy;
	size_t block;  /* of `picked` */
	uint8_t entry; /* of its model */
	uint8_t covers[PICKED];
	uint8_t bytes[VOL_BLOCK];
};

struct living {
	struct state *state;
	const struct life *life;
	struct recent_memory memory;
	struct pump pump;
	struct engine_pool *pool;
	struct engine *engine;
	struct running writes[PICKED], flushes[3];
	struct engine_act act;
	struct kept *acting;
	bool act_busy;
	int err; /* the first */
};

static void note(struct living *living, int err)
{
	if (err && !living->err)
		living->err = err;
}

/* As it is between two calls; a process that was killed makes none. */
static void keep_left(struct living *living)
{
	struct state *state = living->state;
	if (living->life->killed)
		return;
	memcpy(state->left.recent, state->recent, sizeof(state->recent));
	for (size_t i = 0; i < PICKED; i++)
		state->left.answered[i] = state->now[i].answered;
}

static bool pump_on(struct living *living)
{
	bool more = pump_step(&living->pump);
	keep_left(living);
	return more;
}

static int step(struct living *living)
{
	/* A volume that stopped by what it did itself has no timers left, and tells with the next.
	 */
	if (!pump_on(living) && !engine_stopped(living->engine))
		note(living, -EDEADLK);
	return living->err;
}

static void on_written(struct engine_request *request, int err)
{
	struct running *write = container_of(request, struct running, request);
	struct model *model = &write->living->state->now[write->block];
	write->busy = false;
	note(write->living, err);
	if (!err)
		model->answered = write->entry;
	if (!err && request->durable)
		model->first = write->entry;
}

static int start_write(struct living *living, size_t i, enum engine_kind kind, bool durable)
{
	struct running *write = &living->writes[i];
	struct model *model = &living->state->now[i];
	uint8_t content = kind == ENGINE_ZERO ? 0 : ++living->state->written;
	while (write->busy)
		if (step(living))
			return living->err;
	must(model->count < MAYBE && content < 64);
	write->entry = model->count;
	model->maybe[model->count++] = content;
	memset(write->bytes, content, sizeof(write->bytes));
	/* Before or after a cut that is under way: either will do. */
	if (living->act_busy && living->act.kind == ENGINE_CUT)
		living->acting->may_hold[i] |= ONE(content);
	write->block = i;
	write->living = living;
	write->busy = true;
	write->request = (struct engine_request){.kind = kind,
		.durable = durable,
		.at = (uint64_t)picked[i] * VOL_BLOCK,
		.len = VOL_BLOCK,
		.bytes = write->bytes,
		.done = on_written};
	engine_submit(living->engine, &write->request);
	keep_left(living);
	return living->err;
}

static void on_flushed(struct engine_request *request, int err)
{
	struct running *flush = container_of(request, struct running, request);
	struct model *now = flush->living->state->now;
	flush->busy = false;
	note(flush->living, err);
	for (size_t i = 0; i < PICKED && !err; i++)
		if (flush->covers[i] > now[i].first)
			now[i].first = flush->covers[i];
}

static int start_flush(struct living *living)
{
	struct running *flush = living->flushes;
	while (flush < living->flushes + 3 && flush->busy)
		flush++;
	if (flush == living->flushes + 3)
		return 0;
	flush->living = living;
	flush->busy = true;
	for (size_t i = 0; i < PICKED; i++)
		flush->covers[i] = living->state->now[i].answered;
	flush->request = (struct engine_request){.kind = ENGINE_FLUSH, .done = on_flushed};
	engine_submit(living->engine, &flush->request);
	return living->err;
}

static bool busy(const struct living *living)
{
	bool any = living->act_busy;
	for (size_t i = 0; i < PICKED; i++)
		any |= living->writes[i].busy;
	for (size_t i = 0; i < 3; i++)
		any |= living->flushes[i].busy;
	return any;
}

static int wait_all(struct living *living)
{
	while (busy(living) && pump_on(living))
		;
	if (busy(living))
		note(living, -EDEADLK);
	return living->err;
}

/* What is cut off is lost once it was, and what is added is zeros. */
static void resized(struct state *state, uint64_t blocks)
{
	for (size_t i = 0; i < PICKED; i++)
		if (picked[i] >= blocks || picked[i] >= state->size)
			settle(&state->now[i], 0);
	state->size = blocks;
}

static void on_act(struct engine_act *act, int err, const struct why *why)
{
	struct living *living = container_of(act, struct living, act);
	struct kept *kept = living->acting;
	(void)why;
	living->act_busy = false;
	note(living, err);
	if (!err && act->kind == ENGINE_RESIZE)
		resized(living->state, act->size / VOL_BLOCK);
	if (err || (act->kind != ENGINE_CUT && act->kind != ENGINE_DROP))
		return;
	kept->as.is = act->kind == ENGINE_CUT ? IS_THERE : NOT_THERE;
	if (act->kind == ENGINE_DROP)
		kept->as.name[0] = '\0';
}

static int start_act(struct living *living, enum engine_act_kind kind, size_t which)
{
	struct kept *kept = &living->state->kept[which];
	while (living->act_busy)
		if (step(living))
			return living->err;
	living->acting = kept;
	living->act_busy = true;
	living->act = (struct engine_act){.kind = kind, .name = kept->as.name, .done = on_act};
	if (kind == ENGINE_CUT) {
		snprintf(kept->as.name, sizeof(kept->as.name), "s%zu", which);
		kept->as.is = MAY_BE;
		for (size_t i = 0; i < PICKED; i++)
			kept->may_hold[i] = may_hold(
				&living->state->now[i], living->state->now[i].answered);
	} else if (kind == ENGINE_DROP) {
		kept->as.is = MAY_GO;
	}
	engine_do(living->engine, &living->act);
	return living->err;
}

/* The consumer has seen the first snapshot, which is read for it. */
static int pass(struct living *living)
{
	struct kept *kept = &living->state->kept[0];
	if (wait_all(living))
		return living->err;
	uint32_t era = map_snapshot(engine_map(living->engine), kept->as.name)->era;
	for (size_t i = 0; i < PICKED; i++) {
		int err = read_block(living->engine->volume, era, i, &living->state->seen[i], NULL);
		if (err)
			return err;
		if (living->state->seen[i] & ~kept->may_hold[i])
			return -EBADMSG;
		kept->may_hold[i] = living->state->seen[i];
	}
	living->acting = kept;
	living->act_busy = true;
	living->act = (struct engine_act){
		.kind = ENGINE_PASSED, .name = "c", .era = era, .done = on_act};
	engine_do(living->engine, &living->act);
	return living->err;
}

static int start_plain(struct living *living, enum engine_act_kind kind, uint64_t blocks)
{
	while (living->act_busy)
		if (step(living))
			return living->err;
	if (blocks)
		living->state->next_size = blocks;
	living->act_busy = true;
	living->act = (struct engine_act){
		.kind = kind, .size = blocks * VOL_BLOCK, .force = true, .done = on_act};
	engine_do(living->engine, &living->act);
	return living->err;
}

/* The writes that may be cut off are over, and there are none of what is not there yet. */
static int resize(struct living *living, uint64_t blocks)
{
	int err = wait_all(living);
	if (!err)
		err = start_plain(living, ENGINE_RESIZE, blocks);
	return err || blocks < GROWN ? err : wait_all(living);
}

static int scrub(struct living *living, unsigned steps)
{
	engine_clean(living->engine, NS_PER_MS);
	engine_scrub(living->engine, UINT64_C(1) << 40);
	while (steps-- > 0 && !living->err && !engine_stopped(living->engine))
		step(living);
	engine_scrub(living->engine, 0);
	engine_clean(living->engine, 0);
	if (!living->state->no_sums && engine_sums(living->engine)->bad)
		note(living, -EBADMSG);
	return living->err;
}

/* Steps of its own for a while, beside what is in flight. */
static int clean(struct living *living, unsigned steps)
{
	engine_clean(living->engine, NS_PER_MS);
	while (steps-- > 0 && !living->err && !engine_stopped(living->engine))
		step(living);
	engine_clean(living->engine, 0);
	return living->err;
}

static int tidy(struct living *living)
{
	while (living->engine->cleaning.busy)
		if (step(living))
			return living->err;
	clean_tidy(living->engine);
	return living->err;
}

/* ---- the script ---- */

enum act {
	WRITE,
	DURABLE,
	ZERO,
	FLUSH,
	WAIT,
	STEP,
	CUT,
	DROP,
	CLEAN,
	PASS,
	TIDY,
	REST,
	SCRUB,
	RESIZE,
	HOLD, /* writes that stay under way */
	LET_GO,
	FLUSHED, /* only flushes are waited for */
	MERGE,   /* until a merge waits for its record */
};

struct step {
	enum act act;
	unsigned what; /* blocks, a snapshot, or steps */
};

static const struct step script[] = {
	{WRITE, 0x17},
	{FLUSH, 0},
	{WAIT, 0},
	{WRITE, 0x06},
	{WAIT, 0},
	{REST, 0},
	{WRITE, 0x09},
	{STEP, 3},
	{CUT, 0},
	{WRITE, 0x22},
	{PASS, 0},
	{WRITE, 0x03},
	{WAIT, 0},
	{FLUSH, 0},
	{WRITE, 0x08},
	{STEP, 2},
	{FLUSH, 0},
	{ZERO, 0x14},
	{STEP, 4},
	{DURABLE, 0x01},
	{CUT, 1},
	{WRITE, 0x29},
	{DROP, 0},
	{CLEAN, 12},
	{WRITE, 0x22},
	{WAIT, 0},
	{FLUSH, 0},
	{REST, 0},
	{CUT, 2},
	{CLEAN, 9},
	{RESIZE, 64},
	{WRITE, 0x01},
	{TIDY, 0},
	{DROP, 1},
	{DROP, 2},
	{CLEAN, 30},
	{WRITE, 0x05},
	{SCRUB, 4},
	{RESIZE, GROWN},
	{WAIT, 0},
	{WRITE, 0x12},
	{TIDY, 0},
	{WRITE, 0x18},
	{FLUSH, 0},
	{WAIT, 0},
	/*
	 * So far for most. From here on slots that a merge freed are taken again, and acts come
	 * between its copy and its end.
	 */
	{CUT, 0},
	{WRITE, 0x3f},
	{CUT, 1},
	{WRITE, 0x15},
	{DROP, 0},
	{CLEAN, 3},
	{CUT, 2},
	{WRITE, 0x09},
	{CLEAN, 4},
	{DROP, 1},
	{CLEAN, 5},
	{WRITE, 0x24},
	{CUT, 0},
	{WRITE, 0x12},
	{CLEAN, 3},
	{DROP, 2},
	{WRITE, 0x09},
	{TIDY, 0},
	{WRITE, 0x24},
	{STEP, 4},
	{FLUSH, 0},
	{WAIT, 0},
};

/*
 * What luck does not find: a write under way from before one sync to after it, where nothing else
 * is written, and the next sync fails; and slots that are wanted while the record of the merge that
 * frees them is not durable.
 */
static const struct step directed[] = {
	{WRITE, 0x3f},
	{FLUSH, 0},
	{WAIT, 0},
	{HOLD, 0x10},
	{WRITE, 0x01},
	{FLUSH, 0},
	{FLUSHED, 0},
	{LET_GO, 0},
	{WAIT, 0},
	{WRITE, 0x02},
	{WAIT, 0},
	{FLUSH, 0},
	{WRITE, 0x01},
	{WAIT, 0},
	{CUT, 0},
	{WRITE, 0x15},
	{FLUSH, 0},
	{WAIT, 0},
	{CUT, 1},
	{WRITE, 0x1a},
	{FLUSH, 0},
	{WAIT, 0},
	{CUT, 2},
	{DROP, 0},
	{WAIT, 0},
	{MERGE, 0},
	{WRITE, 0x22},
	{WRITE, 0x11},
	{FLUSH, 0},
	{WAIT, 0},
	{CUT, 0},
	{DROP, 1},
	{WAIT, 0},
	{MERGE, 0},
	{WRITE, 0x28},
	{STEP, 20},
	{WAIT, 0},
};

static int write_all(struct living *living, enum act act, unsigned which)
{
	int err = 0;
	for (size_t i = 0; !err && i < PICKED; i++)
		if (which >> i & 1)
			err = start_write(living, i, act == ZERO ? ENGINE_ZERO : ENGINE_WRITE,
				act == DURABLE);
	return err;
}

static int hold(struct living *living, unsigned which)
{
	living->pump.hold_writes = true;
	int err = write_all(living, WRITE, which);
	living->pump.hold_writes = false;
	return err;
}

static int wait_flushed(struct living *living)
{
	while (living->flushes[0].busy && pump_on(living))
		;
	return living->err;
}

static int merge(struct living *living)
{
	const struct engine *engine = living->engine;
	const struct commit *commit = &engine->commit;
	engine_clean(living->engine, NS_PER_MS);
	for (int n = 0; n < 400 && !living->err && !engine_stopped(engine); n++) {
		if (commit->act && commit->act->kind == ENGINE_MERGED)
			break;
		step(living);
	}
	engine_clean(living->engine, 0);
	return living->err;
}

static int do_step(struct living *living, enum act act, unsigned what)
{
	switch (act) {
	case WRITE:
	case DURABLE:
	case ZERO:
		return write_all(living, act, what);
	case FLUSH:
		return start_flush(living);
	case WAIT:
		return wait_all(living);
	case STEP:
		while (what-- > 0 && busy(living) && !living->err)
			step(living);
		return living->err;
	case CUT:
		return start_act(living, ENGINE_CUT, what);
	case DROP:
		return start_act(living, ENGINE_DROP, what);
	case CLEAN:
		return clean(living, what);
	case PASS:
		return pass(living);
	case TIDY:
		return tidy(living);
	case REST:
		return start_plain(living, ENGINE_REST, 0);
	case SCRUB:
		return scrub(living, what);
	case RESIZE:
		return resize(living, what);
	case HOLD:
		return hold(living, what);
	case LET_GO:
		pump_let_go(&living->pump);
		return 0;
	case FLUSHED:
		return wait_flushed(living);
	case MERGE:
		return merge(living);
	}
	return -EINVAL;
}

static int begin_life(struct living *living, struct state *state, const struct world *world,
	uint64_t seed, struct why *why)
{
	struct volume *volume;
	*living = (struct living){.state = state,
		.life = container_of(world->disk, struct life, disk),
		.memory = {.bytes = state->recent, .len = sizeof(state->recent)}};
	pump_init(&living->pump, world, seed);
	int err = open_volume(world->disk, state, &living->memory, "first boot", &volume, why);
	if (err)
		return err;
	if (!state->made)
		state->size = state->next_size = SIZE / VOL_BLOCK;
	state->made = true;
	err = engine_pool_new(&living->pump.world, &living->pool);
	if (!err)
		err = engine_open(living->pool, volume, &living->engine);
	if (err)
		volume_close(volume);
	return err;
}

/* Who does not give up at the first error must not be told that all is well. */
static void end_life(struct living *living)
{
	pump_let_go(&living->pump);
	if (living->engine) {
		wait_all(living);
		start_flush(living);
		wait_all(living);
		while (!engine_idle(living->engine) && pump_step(&living->pump))
			;
	}
	engine_free(living->engine);
	engine_pool_free(living->pool);
}

static int first_life(
	struct state *state, const struct world *world, uint64_t seed, struct why *why)
{
	struct living living;
	state->no_sums = seed == 2;
	state->size = state->next_size = SIZE / VOL_BLOCK;
	for (size_t i = 0; i < PICKED; i++)
		settle(&state->now[i], 0);
	int err = begin_life(&living, state, world, seed, why);
	bool is_directed = seed > LONG_LIFE;
	const struct step *at = is_directed ? directed : script;
	size_t steps = is_directed ? sizeof(directed) / sizeof(*directed)
		: seed < LONG_LIFE ? SHORT
				   : sizeof(script) / sizeof(*script);
	for (size_t i = 0; !err && i < steps; i++)
		err = do_step(&living, at[i].act, at[i].what);
	end_life(&living);
	err = err ? err : living.err;
	return err ? why_errno(why, err, "the first life") : 0;
}

/*
 * What is read, and then flushed, is promised. Torn blocks stay torn. Of a process that was killed
 * nothing is lost that it had answered.
 */
static int hold_for_promised(struct living *living, bool killed, struct why *why)
{
	uint64_t sets[PICKED];
	struct state *state = living->state;
	struct state known = *state;
	for (size_t i = 0; i < PICKED && killed; i++)
		if (state->left.answered[i] > known.now[i].first)
			known.now[i].first = state->left.answered[i];
	int err = check_all(&known, living->engine->volume, sets, why);
	if (!err)
		err = start_flush(living);
	if (!err)
		err = wait_all(living);
	for (size_t i = 0; !err && i < PICKED; i++) {
		state->now[i] = (struct model){0};
		for (uint8_t content = 0; content < 64; content++)
			if (sets[i] & ONE(content))
				state->now[i].maybe[state->now[i].count++] = content;
	}
	/* What is beyond the end is zeros as soon as it is not. */
	state->size = state->next_size = volume_map(living->engine->volume)->size / VOL_BLOCK;
	for (size_t i = 0; !err && i < PICKED; i++)
		if (picked[i] >= state->size)
			settle(&state->now[i], 0);
	return err;
}

static int second_life(
	struct state *state, const struct world *world, uint64_t seed, bool killed, struct why *why)
{
	struct living living;
	int err = begin_life(&living, state, world, seed + 1000, why);
	if (!err)
		err = hold_for_promised(&living, killed, why);
	if (!err && state->size < GROWN)
		err = resize(&living, GROWN);
	for (int i = 0; !err && i < 20 && !state->no_sums && engine_sums(living.engine)->suspect;
		i++)
		err = scrub(&living, 20);
	if (!err)
		err = start_plain(&living, ENGINE_REST, 0);
	if (!err)
		err = wait_all(&living);
	if (!err)
		err = write_all(&living, WRITE, 0x2a);
	if (!err)
		err = start_flush(&living);
	if (!err)
		err = clean(&living, 20);
	end_life(&living);
	err = err ? err : living.err;
	return err ? why_prefix(why, err, "the second life: %s", strerror(-err)) : 0;
}

static int run(struct state *state, struct world *world, uint64_t seed, struct why *why)
{
	struct life life;
	life_begin(&life, world, 1);
	int err = first_life(state, &life.world, seed, why);
	if (!err)
		return 0;
	bool killed = life.killed;
	if (killed)
		memcpy(state->recent, state->left.recent, sizeof(state->recent));
	life_begin(&life, world, 2);
	*why = (struct why){""};
	return second_life(state, &life.world, seed, killed, why);
}

/* What a larger volume has more reads as zeros. */
static int check_growth(struct volume *volume, struct why *why)
{
	uint64_t size = volume_map(volume)->size / VOL_BLOCK;
	int err = size < GROWN ? volume_resize(volume, (uint64_t)GROWN * VOL_BLOCK, false, why) : 0;
	for (size_t i = 0; !err && i < PICKED; i++) {
		uint64_t set;
		err = read_block(volume, 0, i, &set, why);
		if (!err && picked[i] >= size && set != ONE(0))
			err = why_set(why, -EBADMSG, "block %u is back, where the volume grew",
				picked[i]);
	}
	return err;
}

static int check(void *arg, struct world *world, bool faulty, struct why *why)
{
	struct state *state = arg;
	uint64_t sets[PICKED], again[PICKED];
	struct state found = *state; /* whose memory another check finds as it is */
	const struct recent_memory memory = {.bytes = found.recent, .len = sizeof(found.recent)};
	OWN(volume_close_own) struct volume *volume = NULL; /* closed while that memory is there */
	(void)faulty;
	int err = open_volume(world->disk, &found, &memory, "second boot", &volume, why);
	if (!err)
		err = check_all(state, volume, sets, why);
	if (!err)
		err = crash_merge(volume, why);
	if (!err && !state->no_sums)
		err = crash_scrub(volume, why);
	if (!err && !state->no_sums)
		err = volume_rest(volume, true, why);
	if (!err)
		err = check_all(state, volume, again, why);
	if (!err && memcmp(sets, again, sizeof(sets)) != 0)
		err = why_set(why, -EBADMSG, "merging changed the volume");
	return err ? err : check_growth(volume, why);
}

#define SCENARIO(number) \
	static int run_##number(void *arg, struct world *world, struct why *why) \
	{ \
		return run(arg, world, number, why); \
	} \
	static const struct scenario engine_##number = {.name = "engine-" #number, \
		.state_size = sizeof(struct state), \
		.run = run_##number, \
		.check = check};

SCENARIO(1)
SCENARIO(2)
SCENARIO(3)
SCENARIO(4)
SCENARIO(5)

#define CASE(number) \
	{ \
		.scenario = &engine_##number, \
		.options = {.allocations = &alloc_faults, \
			.exhaustive = 128, \
			.samples = 32, \
			.recovery_points = 4}, \
		.killed = {.exhaustive = 64, \
			.samples = 16, \
			.recovery_points = 2, \
			.no_faults = true}, \
		.kills = 13, .for_planted = (number) == LONG_LIFE, \
	}

int main(int argc, char **argv)
{
	const struct crash_case cases[] = {CASE(1), CASE(2), CASE(3), CASE(4), CASE(5)};
	return crash_main(argc, argv, cases, sizeof(cases) / sizeof(*cases));
}
