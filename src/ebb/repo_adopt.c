/* SPDX-License-Identifier: Apache-2.0 */
/* What writers that cannot read have brought becomes points. */
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "os/world.h"
#include "place/place.h"
#include "repo/inbox.h"
#include "ship/need.h"
#include "source/wal.h"

static const char wal_prefix[] = "wal/";

static void on_inbox(void *arg, const char *name, const struct why *why)
{
	(void)arg;
	if (why)
		call_fail(EXIT_PARTIAL, "%.14s: refused: %s", name, why->text);
}

static void wal_close_own(struct wal_archive *archive)
{
	wal_close(archive);
}

/* One resource wal/NAME. */
static bool merge_archive(struct keep *keep, const struct head_point *named)
{
	OWN(wal_close_own) struct wal_archive archive = {0};
	char host[BACKUP_HOST];
	struct point point;
	struct why why = {"no memory"};
	int err = repo_point(keep->repo, &named->id, &point, &why);
	backup_host(host);
	struct wal_options how = {.clock = keep->world->clock,
		.name = point.resource + sizeof(wal_prefix) - 1,
		.host = host,
		.writer = "ebb " EBB_VERSION};
	if (!err && !str_starts(point.resource, wal_prefix))
		return true;
	if (!err)
		err = wal_open(keep->repo, how.name, &archive, &why);
	if (!err)
		err = wal_merge(&archive, &how, &why);
	if (err)
		call_fail(EXIT_PARTIAL, "%s: its points stay as they came: %s", point.resource,
			why.text);
	return !err;
}

/* Each push of a writer is a point. Returns the number of archives that stay so. */
static unsigned merge_archives(struct keep *keep)
{
	VEC(struct head_point) firsts = {0};
	unsigned failed = 0;
	vec_each (named, &repo_head(keep->repo)->points) {
		bool known = named->source != POINT_WAL;
		vec_each (first, &firsts)
			known = known || first->resource == named->resource;
		if (!known && vec_push(&firsts, *named))
			failed++;
	}
	vec_each (first, &firsts)
		failed += !merge_archive(keep, first);
	vec_done(&firsts);
	return failed;
}

int adopt_inbox(struct keep *keep, struct inbox_result *ret_result)
{
	struct inbox_options how = {.walk = need_walk, .on_inbox = on_inbox};
	struct why why = {""};
	int err = repo_inbox_adopt(keep->repo, &how, ret_result, &why);
	if (err)
		return keep_fail(keep, err, &why);
	if (ret_result->adopted)
		ret_result->refused += merge_archives(keep);
	return EXIT_OK;
}

static bool note_any(void *arg, const char *name, uint64_t size)
{
	(void)name;
	(void)size;
	*(bool *)arg = true;
	return false;
}

bool adopt_waiting(struct keep *keep)
{
	struct inbox_result result = {0};
	bool any = false;
	int err = place_list(repo_place(keep->repo), "inbox", note_any, &any);
	if (err)
		return call_fail(EXIT_OK, "inbox: what waits there cannot be listed"), false;
	return any && !adopt_inbox(keep, &result) && result.adopted;
}

int call_repo_adopt(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(str_done) struct str text = {0};
	struct inbox_result result = {0};
	int code = keep_open(call, &keep);
	if (!code)
		code = adopt_inbox(&keep, &result);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_JSON)) {
		code = call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I}", "type", "repo-adopt",
			"adopted", (json_int_t)result.adopted, "refused",
			(json_int_t)result.refused, "packs", (json_int_t)result.packs, "chunks",
			(json_int_t)result.chunks));
	} else {
		str_addf(&text, "took in %s, refused %" PRIu64 "; proved %s with %s\n",
			COUNT(result.adopted, "point", "points"), result.refused,
			COUNT(result.packs, "pack", "packs"),
			COUNT(result.chunks, "chunk", "chunks"));
		code = call_print(&text);
	}
	return code ? code : result.refused ? EXIT_PARTIAL : EXIT_OK;
}
