/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing points to places that were away when they were made. */
#include <errno.h>
#include <inttypes.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ship/need.h"

struct sync {
	uint64_t brought, failed;
};

/*
 * Older points than the newest one there are left out: the other place has rules of its own, by
 * which it may have removed them.
 */
static bool is_wanted(const struct repo *to, const struct head_point *point, bool all)
{
	const struct head *head = repo_head(to);
	vec_each (there, &head->points) {
		bool newer = there->resource == point->resource && there->end_ns >= point->end_ns;
		if (object_id_equal(&there->id, &point->id) || (newer && !all))
			return false;
	}
	return true;
}

static void sync_one(struct keep *keep, struct keep_twin *twin, struct sync *sync)
{
	const struct head *head = repo_head(keep->repo);
	bool all = args_given(&keep->call->args, OPTION_ALL);
	for (size_t i = 0; i < head->points.len; i++) {
		struct why why = {""};
		char hex[33];
		if (!is_wanted(twin->repo, &head->points.at[i], all))
			continue;
		int err = repo_copy_point(
			keep->repo, twin->repo, &head->points.at[i].id, need_walk, &why);
		sync->brought += !err;
		sync->failed += err != 0;
		if (err)
			call_fail(EXIT_PARTIAL, "%s: point %.8s was not brought: %s", twin->where,
				object_show_id(&head->points.at[i].id, hex), why.text);
		/* A point that is damaged here keeps no other back; a place that fails does. */
		if (err && err != -ENOENT && err != -EBADMSG)
			return;
	}
}

static int say_sync(const struct call *call, const struct keep *keep, const struct sync *sync)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I}", "type", "repo-sync", "places",
			(json_int_t)keep->twins.joined_count, "points", (json_int_t)sync->brought,
			"failed", (json_int_t)(sync->failed + keep->twins.missed)));
	str_addf(&text, "brought %s to %s\n", COUNT(sync->brought, "point", "points"),
		COUNT(keep->twins.joined_count, "place", "places"));
	return call_print(&text);
}

int call_repo_sync(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	struct sync sync = {0};
	if (!args_given(&call->args, OPTION_ALSO))
		return call_fail(EXIT_USAGE, "where to? give --also URL");
	int code = keep_open(call, &keep);
	for (size_t i = 0; !code && i < keep.twins.joined_count; i++)
		sync_one(&keep, &keep.twins.at[keep.twins.joined[i]], &sync);
	if (!code)
		code = say_sync(call, &keep, &sync);
	return code ? code : sync.failed || keep.twins.missed ? EXIT_PARTIAL : EXIT_OK;
}
