/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several places in one call. Their heads are witnesses of each other: whoever holds the key and
 * two places needs no memory of an own to notice that one was rolled back.
 */
#include "ebb/twins.h"

#include <errno.h>
#include <inttypes.h>

#include "base/bytes.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/clock.h"
#include "os/linux/crew.h"
#include "os/world.h"
#include "place/place.h"
#include "ship/need.h"

static void close_one(struct keep_twin *twin)
{
	repo_close(twin->repo);
	open_place_done(&twin->place);
	linux_crew_close(twin->carriers);
	*twin = (struct keep_twin){0};
}

void twins_close(struct keep *keep)
{
	while (keep->twins.count)
		close_one(&keep->twins.at[--keep->twins.count]);
}

static struct repo_world world_of(const struct keep *keep, const struct keep_twin *twin)
{
	struct repo_world world = keep->repo_world;
	world.place = twin->place.place;
	world.carriers = linux_crew(twin->carriers);
	/* Its chunks come compressed. */
	world.crew = NULL;
	return world;
}

static int open_one(const struct keep *keep, const struct unlock *unlock, struct keep_twin *twin,
	struct why *why)
{
	const struct open_place_how how = {keep->call, keep->world, false, keep->limit.place};
	int err = open_place(&how, twin->where, &twin->place, why);
	if (!err)
		err = linux_crew_open(KEEP_CARRIERS, &twin->carriers, why);
	struct repo_world world = world_of(keep, twin);
	if (!err)
		err = repo_open_with(&world, unlock, 0, &twin->repo, why);
	return err;
}

static void missed(struct keep *keep, const char *where, const struct why *why)
{
	keep->twins.missed++;
	call_fail(EXIT_PARTIAL, "%s: %s; nothing of this call goes there", where, why->text);
}

/*
 * Whether it is as far as the others say. One that has fallen behind is opened once more: another
 * process may have gone on between two openings.
 */
static int hold_against(struct repo **repo, const struct repo_world *world,
	const struct unlock *unlock, uint64_t seen, struct why *why)
{
	if (repo_ring(*repo)->write_only || repo_head(*repo)->generation >= seen)
		return 0;
	repo_close(TAKE(*repo));
	int err = repo_open_with(world, unlock, seen, repo, why);
	return err == -ESTALE ? why_set(why, err,
					"its twins have seen it at generation %" PRIu64
					": it was rolled back, or heads were deleted",
					seen)
			      : err;
}

static int hold_first(struct keep *keep, const struct unlock *unlock)
{
	uint64_t seen = 0;
	struct why why;
	for (size_t i = 0; i < keep->twins.count; i++) {
		const struct repo *witness = keep->twins.at[i].repo;
		uint64_t told = witness ? repo_witness(witness, keep->repo) : 0;
		seen = told > seen ? told : seen;
	}
	int err = hold_against(&keep->repo, &keep->repo_world, unlock, seen, &why);
	return err ? keep_fail(keep, err, &why) : EXIT_OK;
}

/* Joins it when it holds; else it is let go. */
static void join(struct keep *keep, size_t slot, const struct unlock *unlock)
{
	struct keep_twins *twins = &keep->twins;
	struct keep_twin *twin = &twins->at[slot];
	struct repo_world world = world_of(keep, twin);
	struct why why;
	int err = hold_against(
		&twin->repo, &world, unlock, repo_witness(keep->repo, twin->repo), &why);
	if (!err)
		err = repo_add_twin(keep->repo, twin->repo, need_walk, &why);
	if (!err) {
		twins->joined[twins->joined_count++] = slot;
		return;
	}
	missed(keep, twin->where, &why);
	close_one(twin);
}

static int open_all(struct keep *keep, const struct unlock *unlock)
{
	struct keep_twins *twins = &keep->twins;
	const char *where;
	while ((where = args_next(&keep->call->args, OPTION_ALSO, &twins->next))) {
		struct why why = {""};
		if (twins->count == REPO_TWINS_MAX)
			return call_fail(EXIT_USAGE, "--also: at most %d places", REPO_TWINS_MAX);
		struct keep_twin *twin = &twins->at[twins->count++];
		twin->where = where;
		if (open_one(keep, unlock, twin, &why)) {
			missed(keep, where, &why);
			close_one(twin);
		}
	}
	return EXIT_OK;
}

int twins_open(struct keep *keep, const struct unlock *unlock)
{
	if (!args_given(&keep->call->args, OPTION_ALSO))
		return EXIT_OK;
	if (repo_ring(keep->repo)->write_only)
		return call_fail(
			EXIT_GUARDED, "--also: a key that only writes serves one place at a time");
	int code = open_all(keep, unlock);
	if (!code)
		code = hold_first(keep, unlock);
	for (size_t i = 0; !code && i < keep->twins.count; i++)
		if (keep->twins.at[i].repo)
			join(keep, i, unlock);
	return code;
}

/* Beside a place that keeps locks there may be others that cannot. */
static bool lock_at(struct repo *repo, const struct open_place *place, int64_t until_ns)
{
	if (!place->inner->ops->lock)
		return false;
	repo_lock_commits(repo, until_ns, need_walk);
	return true;
}

int twins_lock(struct keep *keep)
{
	const char *text = keep->call->args.values[OPTION_LOCK];
	struct why why;
	int64_t length_ns, until_ns;
	if (!text)
		return EXIT_OK;
	if (units_duration(text, &length_ns, &why))
		return call_fail(EXIT_USAGE, "--lock: %s", why.text);
	if (length_ns <= 0 || !add_fits(clock_wall_ns(keep->world->clock), length_ns, &until_ns))
		return call_fail(EXIT_USAGE, "--lock: give a length of time, as 30d");
	bool any = lock_at(keep->repo, &keep->place, until_ns);
	for (size_t i = 0; i < keep->twins.joined_count; i++) {
		struct keep_twin *twin = &keep->twins.at[keep->twins.joined[i]];
		any |= lock_at(twin->repo, &twin->place, until_ns);
	}
	return any ? EXIT_OK
		   : call_fail(EXIT_GUARDED,
			     "--lock: a folder cannot lock objects; a bucket with object lock can");
}

static const char *where_of(const struct keep *keep, size_t which)
{
	return which ? keep->twins.at[keep->twins.joined[which - 1]].where : keep->where;
}

int twins_end(const struct keep *keep, int code)
{
	bool all = !keep->twins.missed;
	size_t count = keep->twins.joined_count;
	for (size_t i = 0; count && i <= count; i++) {
		const struct repo_outcome *outcome = repo_outcome(keep->repo, i);
		if (!outcome->err)
			continue;
		call_fail(EXIT_PARTIAL, "%s: this place has no point of the run: %s",
			where_of(keep, i), outcome->why.text);
		all = false;
	}
	return code ? code : all ? EXIT_OK : EXIT_PARTIAL;
}

json_t *twins_json(const struct keep *keep)
{
	json_t *places = keep->twins.joined_count ? json_array() : NULL;
	for (size_t i = 0; places && i <= keep->twins.joined_count; i++) {
		const struct repo_outcome *outcome = repo_outcome(keep->repo, i);
		json_array_append_new(places,
			json_pack("{s:s,s:b,s:s?}", "repo", where_of(keep, i), "point",
				!outcome->err, "error", outcome->err ? outcome->why.text : NULL));
	}
	return places;
}
