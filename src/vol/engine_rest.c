/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing regions to rest:
 *
 *   NONE -> DATA    a commit: regions are chosen, and what they hold is synced
 *        -> PAGES   beside commits: their pages of sums are written
 *        -> SYNC    a worker syncs the file of sums
 *        -> END     a commit: the journal says that they rest
 *        -> NONE    the act is answered
 */
#include <errno.h>

#include "base/container.h"
#include "base/own.h"
#include "base/plant.h"
#include "os/disk.h"
#include "store/journal.h"
#include "vol/engine_inner.h"

bool rest_is_busy(const struct engine *engine)
{
	return engine->rest.stage == REST_PAGES || engine->rest.stage == REST_SYNC;
}

static bool of_all(const struct engine *engine, const struct engine_act *act)
{
	return act != &engine->cleaning.act;
}

int rest_act(struct engine *engine, struct commit *commit)
{
	struct sums *sums = &engine->volume->sums;
	struct resting *rest = &engine->rest;
	if (!engine->volume->map.sums)
		return 0;
	if (rest->stage == REST_END) {
		commit->regions_len = sums_rest_end(sums, commit->regions, JOURNAL_RECORD_MAX);
		rest->stage = REST_NONE;
	} else if (sums_rest_begin(sums, of_all(engine, commit->act))) {
		rest->stage = REST_DATA;
		commit->aside = true;
	}
	return 0;
}

/* The commit made its data durable. */
bool rest_goes_on(struct engine *engine, struct engine_act *act)
{
	struct resting *rest = &engine->rest;
	if (act->kind != ENGINE_REST || rest->stage != REST_DATA)
		return false;
	rest->act = act;
	rest->stage = REST_PAGES;
	engine->writer.cursor = 0;
	pages_write(engine);
	return true;
}

static void give_up(struct engine *engine, int err)
{
	struct engine_act *act = TAKE(engine->rest.act);
	struct why why = engine->rest.why;
	engine->rest.stage = REST_NONE;
	act->done(act, err, &why);
	commit_step(engine);
}

static void sync_work(struct task *task)
{
	struct engine *engine = container_of(task, struct engine, rest.task);
	struct resting *rest = &engine->rest;
	rest->err = planted(VOL_SUMS_NOT_SYNCED) ? 0 : file_sync(engine->volume->sums_file);
	if (rest->err)
		why_errno(&rest->why, rest->err, "sums: sync");
}

static void sync_done(struct task *task)
{
	struct engine *engine = container_of(task, struct engine, rest.task);
	struct resting *rest = &engine->rest;
	if (rest->err)
		engine->volume->stopped = true;
	if (engine->volume->stopped) {
		give_up(engine, -EIO);
		return;
	}
	rest->stage = REST_END;
	commit_return(engine, TAKE(rest->act));
}

/* No worker has room: asked again, as long as it takes. */
static void start_sync(struct engine *engine)
{
	struct resting *rest = &engine->rest;
	rest->stage = REST_SYNC;
	rest->task = (struct task){.work = sync_work, .done = sync_done};
	rest->waits = task_start(engine->pool->loop, &rest->task) != 0;
	if (rest->waits)
		timer_set(engine->pool->loop, &engine->again, 0);
}

void rest_again(struct engine *engine)
{
	if (engine->rest.waits)
		start_sync(engine);
}

void rest_pages_done(struct engine *engine, int err)
{
	struct resting *rest = &engine->rest;
	rest->why = (struct why){""};
	if (!err && engine->volume->stopped)
		err = -EIO;
	if (err) {
		why_errno(&rest->why, err, "sums: writing pages");
		give_up(engine, err);
	} else {
		start_sync(engine);
	}
}
