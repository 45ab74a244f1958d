/* SPDX-License-Identifier: Apache-2.0 */
/* The recovery points of a repository: told, held, released, removed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/consent.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/names.h"
#include "ebb/shown.h"
#include "repo/point.h"

/* ---- ls ---- */

struct listing {
	struct names_filter filter;
	json_t *list;
	struct str text;
	size_t count;
	int code; /* the worst met: what cannot be read ends nothing */
};

/* A line for people, or an object in the list for programs. A point that cannot be read says so. */
static int add_point(
	void *arg, const struct head_point *named, const struct point *point, const struct why *why)
{
	struct listing *listing = arg;
	char hex[33], end[UNITS_TEXT];
	bool held = named->flags & HEAD_POINT_HELD;
	bool suspicious = named->flags & HEAD_POINT_SUSPICIOUS;
	bool broken = named->flags & HEAD_POINT_BROKEN;
	object_show_id(&named->id, hex);
	if (!point) {
		listing->code = call_fail(EXIT_DAMAGED, "point %.8s: %s", hex, why->text);
		return EXIT_OK;
	}
	if (!names_wanted(&listing->filter, point))
		return EXIT_OK;
	json_t *object = keep_point_json(point);
	if (object) {
		json_object_set_new(object, "held", json_boolean(held));
		json_object_set_new(object, "suspicious", json_boolean(suspicious));
		json_object_set_new(object, "broken", json_boolean(broken));
	}
	json_array_append_new(listing->list, object);
	listing->count++;
	str_addf(&listing->text, "%.8s  %.19sZ  %16s  %10s  %10s new  ", hex,
		units_show_time(point->end_ns, end), COUNT(point->entries, "entry  ", "entries"),
		BYTES(point->source_bytes), BYTES(point->new_bytes));
	shown_add(&listing->text, point->resource, strlen(point->resource));
	str_addf(&listing->text, "%s%s%s%s\n", point->partial ? "  partial" : "",
		held ? "  held" : "", suspicious ? "  suspicious" : "", broken ? "  broken" : "");
	return EXIT_OK;
}

static int say_list(const struct call *call, uint64_t generation, struct listing *listing)
{
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:O}", "type", "points", "generation",
			(json_int_t)generation, "points", listing->list));
	str_addf(&listing->text, "generation %" PRIu64 ", %s\n", generation,
		COUNT(listing->count, "point", "points"));
	return call_print(&listing->text);
}

int call_snap_ls(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	struct listing listing = {0};
	int code = names_filter(call, &listing.filter);
	if (!code)
		code = keep_open(call, &keep);
	if (code)
		return code;
	listing.list = json_array();
	code = names_each(&keep, add_point, &listing);
	if (!code)
		code = say_list(call, repo_head(keep.repo)->generation, &listing);
	json_decref(listing.list);
	str_done(&listing.text);
	return code ? code : listing.code;
}

/* ---- hold, release, rm ---- */

struct changing {
	const char *verb, *done; /* "hold", "held" */
	enum point_change_what what;
	struct point_change changes[OPERANDS_MAX];
	struct point points[OPERANDS_MAX];
	size_t count;
};

static int find_points(const struct call *call, struct keep *keep, struct changing *changing)
{
	for (size_t i = 0; i < call->args.operand_count; i++) {
		struct point *point = &changing->points[changing->count];
		int code = keep_find_point(keep, call->args.operands[i], point);
		if (code)
			return code;
		changing->changes[changing->count++] = (struct point_change){
			point->id, changing->what};
	}
	return EXIT_OK;
}

static int say_changed(const struct call *call, const struct keep *keep,
	const struct changing *changing, const char *done)
{
	OWN(str_done) struct str text = {0};
	json_t *list = json_array();
	for (size_t i = 0; i < changing->count; i++) {
		const struct point *point = &changing->points[i];
		char hex[33], end[UNITS_TEXT];
		json_array_append_new(list, json_string(object_show_id(&point->id, hex)));
		str_addf(
			&text, "%s %.8s  %.19sZ  ", done, hex, units_show_time(point->end_ns, end));
		shown_add(&text, point->resource, strlen(point->resource));
		str_add(&text, "\n");
	}
	if (!args_given(&call->args, OPTION_JSON)) {
		json_decref(list);
		return call_print(&text);
	}
	return call_print_json(json_pack("{s:s,s:s,s:b,s:I,s:o}", "type", "points_changed",
		"change", changing->verb, "dry_run", args_given(&call->args, OPTION_DRY_RUN),
		"generation", (json_int_t)repo_head(keep->repo)->generation, "points", list));
}

static int change_points(const struct call *call, struct changing *changing)
{
	OWN(keep_done) struct keep keep = {0};
	char what[100];
	struct why why = {""};
	int code = keep_open(call, &keep);
	if (!code)
		code = find_points(call, &keep, changing);
	if (!code && args_given(&call->args, OPTION_DRY_RUN))
		return say_changed(call, &keep, changing, "would remove");
	if (!code && changing->what == POINT_REMOVE) {
		snprintf(what, sizeof(what), "removes %zu point%s for ever", changing->count,
			changing->count == 1 ? "" : "s");
		code = consent(call, what);
	}
	if (code)
		return code;
	int err = repo_change_points(keep.repo, changing->changes, changing->count, &why);
	if (err == -EPERM)
		return call_fail(EXIT_GUARDED, "%s", why.text);
	if (err)
		return keep_fail(&keep, err, &why);
	return say_changed(call, &keep, changing, changing->done);
}

static int change(
	const struct call *call, enum point_change_what what, const char *verb, const char *done)
{
	struct changing *changing = calloc(1, sizeof(*changing));
	if (!changing)
		return call_fail(EXIT_FAILED, "no memory");
	changing->what = what;
	changing->verb = verb;
	changing->done = done;
	int code = change_points(call, changing);
	free(changing);
	return code;
}

int call_snap_hold(const struct call *call)
{
	return change(call, POINT_HOLD, "hold", "held");
}

int call_snap_release(const struct call *call)
{
	return change(call, POINT_RELEASE, "release", "released");
}

int call_snap_accept(const struct call *call)
{
	return change(call, POINT_ACCEPT, "accept", "accepted");
}

int call_snap_rm(const struct call *call)
{
	return change(call, POINT_REMOVE, "rm", "removed");
}
