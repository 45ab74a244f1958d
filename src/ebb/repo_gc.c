/* SPDX-License-Identifier: Apache-2.0 */
/* Retention and collection: which points go, why the others stay, and the room that comes free. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/consent.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "ebb/names.h"
#include "ebb/shown.h"
#include "ebb/wal_expire.h"
#include "repo/gc.h"
#include "repo/inbox.h"
#include "repo/retain.h"
#include "ship/need.h"

#define SOAK_NS (24 * NS_PER_HOUR)

struct row {
	struct head_point named;
	char *resource; /* owned */
	unsigned reasons;
	bool counts; /* the rules are asked of it */
};

struct collecting {
	const struct call *call;
	struct keep *keep;
	struct retain_rules rules;
	bool any_rule;
	struct gc_options how;
	VEC(struct row) rows;
	VEC(struct object_id) going;
	const char *wanted; /* --resource */
	/* What goes out of WAL archives with the base backups. */
	struct str wal_text;
	json_t *wal;
	int wal_code;
};

static void collecting_done(struct collecting *c)
{
	vec_each (row, &c->rows)
		free(row->resource);
	vec_done(&c->rows);
	vec_done(&c->going);
	str_done(&c->wal_text);
	json_decref(c->wal);
}

/* ---- rules ---- */

static int32_t local_zone(void *arg, int64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_SEC - (wall_ns % NS_PER_SEC < 0));
	struct tm tm;
	(void)arg;
	return localtime_r(&seconds, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

static int read_count(const struct call *call, enum option_id option, uint32_t *ret_count)
{
	const char *text = call->args.values[option];
	char *end;
	if (!text)
		return EXIT_OK;
	errno = 0;
	unsigned long count = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || !count || count > UINT32_MAX)
		return call_fail(EXIT_USAGE, "--%s: '%.40s' is no number of points",
			options[option].name, text);
	*ret_count = (uint32_t)count;
	return EXIT_OK;
}

static int read_duration(const struct call *call, enum option_id option, int64_t *ret_ns)
{
	struct why why;
	const char *text = call->args.values[option];
	if (text && units_duration(text, ret_ns, &why))
		return call_fail(EXIT_USAGE, "--%s: %s", options[option].name, why.text);
	return EXIT_OK;
}

static int read_rules(const struct call *call, struct collecting *c)
{
	struct retain_rules *rules = &c->rules;
	const struct {
		enum option_id option;
		uint32_t *count;
	} counts[] = {{OPTION_KEEP_LAST, &rules->last}, {OPTION_KEEP_HOURLY, &rules->hourly},
		{OPTION_KEEP_DAILY, &rules->daily}, {OPTION_KEEP_WEEKLY, &rules->weekly},
		{OPTION_KEEP_MONTHLY, &rules->monthly}, {OPTION_KEEP_YEARLY, &rules->yearly}};
	int code = EXIT_OK;
	for (size_t i = 0; !code && i < sizeof(counts) / sizeof(*counts); i++) {
		code = read_count(call, counts[i].option, counts[i].count);
		c->any_rule |= *counts[i].count != 0;
	}
	if (!code)
		code = read_duration(call, OPTION_KEEP_WITHIN, &rules->within_ns);
	c->any_rule |= rules->within_ns > 0;
	c->wanted = call->args.values[OPTION_RESOURCE];
	if (!args_given(&call->args, OPTION_UTC))
		rules->zone = local_zone;
	if (!code && c->wanted && !c->any_rule)
		code = call_fail(EXIT_USAGE,
			"--resource: of its points which shall stay? "
			"give --keep-last N or another rule");
	c->how = (struct gc_options){
		.walk = need_walk,
		.soak_ns = SOAK_NS,
		.rewrite_below = GC_REWRITE_BELOW,
		.reserve = REPO_RESERVE,
	};
	return code ? code : read_duration(call, OPTION_SOAK, &c->how.soak_ns);
}

/* ---- points ---- */

static int note_point(
	void *arg, const struct head_point *named, const struct point *point, const struct why *why)
{
	struct collecting *c = arg;
	struct row row = {.named = *named, .reasons = RETAIN_NEWEST};
	char hex[33];
	if (!point)
		return call_fail(
			EXIT_DAMAGED, "point %.8s: %s", object_show_id(&named->id, hex), why->text);
	row.resource = strdup(point->resource);
	/* An archive is one thing, whatever points it stands in: `wal expire` is what shortens it.
	 */
	row.counts = c->any_rule && named->source != POINT_WAL &&
		(!c->wanted || names_resource(point->resource, c->wanted, strlen(c->wanted)));
	if (!row.resource || vec_push(&c->rows, row)) {
		free(row.resource);
		return call_fail(EXIT_FAILED, "no memory");
	}
	return EXIT_OK;
}

/* The rules, asked of the points that count. */
static int choose(struct collecting *c)
{
	OWN(own_free) struct head_point *points = calloc(c->rows.len + 1, sizeof(*points));
	OWN(own_free) unsigned *reasons = calloc(c->rows.len + 1, sizeof(*reasons));
	size_t count = 0, at = 0;
	if (!points || !reasons)
		return call_fail(EXIT_FAILED, "no memory");
	vec_each (row, &c->rows)
		if (row->counts)
			points[count++] = row->named;
	if (retain_choose(points, count, &c->rules, reasons))
		return call_fail(EXIT_FAILED, "no memory");
	vec_each (row, &c->rows) {
		if (row->counts)
			row->reasons = reasons[at++];
		if (!row->reasons && vec_push(&c->going, row->named.id))
			return call_fail(EXIT_FAILED, "no memory");
	}
	return EXIT_OK;
}

/* "daily, weekly", or nothing for a point that goes. */
static void add_reasons(struct str *text, unsigned reasons)
{
	const char *comma = "";
	for (unsigned bit = 1; bit < 1u << RETAIN_REASONS; bit <<= 1) {
		if (!(reasons & bit))
			continue;
		str_addf(text, "%s%s", comma, retain_reason_name((enum retain_reason)bit));
		comma = ", ";
	}
}

static void add_row(struct str *text, const struct row *row)
{
	char hex[33], end[UNITS_TEXT];
	str_addf(text, "%s  %.8s  %.19sZ  ", row->reasons ? "stays" : "goes ",
		object_show_id(&row->named.id, hex), units_show_time(row->named.end_ns, end));
	shown_add(text, row->resource, strlen(row->resource));
	if (row->reasons && row->counts) {
		str_add(text, "  (");
		add_reasons(text, row->reasons);
		str_add(text, ")");
	}
	str_add(text, "\n");
}

static json_t *row_json(const struct row *row)
{
	char hex[33], end[UNITS_TEXT];
	json_t *rules = json_array();
	for (unsigned bit = 1; bit < 1u << RETAIN_REASONS; bit <<= 1)
		if (row->counts && row->reasons & bit)
			json_array_append_new(
				rules, json_string(retain_reason_name((enum retain_reason)bit)));
	return json_pack("{s:s,s:s,s:s,s:b,s:o}", "id", object_show_id(&row->named.id, hex),
		"resource", row->resource, "end", units_show_time(row->named.end_ns, end), "goes",
		!row->reasons, "kept_by", rules);
}

/* ---- WAL ---- */

/* Of several points of one archive the first speaks for it. */
static bool is_archive(const struct collecting *c, const struct row *row)
{
	if (row->named.source != POINT_WAL || strncmp(row->resource, "wal/", 4) != 0)
		return false;
	for (const struct row *before = c->rows.at; before < row; before++)
		if (strcmp(before->resource, row->resource) == 0)
			return false;
	return true;
}

static void expire_one(struct collecting *c, const char *name)
{
	struct wal_expire_options how = wal_expire_how(c->keep, name);
	struct wal_expired expired;
	how.dry_run = c->how.dry_run;
	how.without = c->going.at;
	how.without_count = c->going.len;
	int code = wal_expire_one(c->keep, &how, &expired);
	if (code)
		c->wal_code = code;
	if (code || !expired.files)
		return;
	wal_expire_add(&c->wal_text, name, &expired);
	json_array_append_new(c->wal,
		json_pack("{s:s,s:I,s:I}", "name", name, "files", (json_int_t)expired.files,
			"bytes", (json_int_t)expired.bytes));
}

/* With base backups goes the WAL that they alone needed. One archive that cannot be told stays. */
static void expire_archives(struct collecting *c)
{
	char base[POINT_TEXT + 4];
	if (!c->going.len)
		return;
	vec_each (row, &c->rows) {
		if (!is_archive(c, row))
			continue;
		snprintf(base, sizeof(base), "pg/%s", row->resource + 4);
		if (!c->wanted || names_resource(base, c->wanted, strlen(c->wanted)) ||
			names_resource(row->resource, c->wanted, strlen(c->wanted)))
			expire_one(c, row->resource + 4);
	}
}

/* ---- what comes of it ---- */

static uint64_t free_bytes(const struct gc_result *result)
{
	return result->waiting_bytes + result->dying_bytes;
}

/* The points, when rules were given, and what would come free. */
static void add_preview(
	const struct collecting *c, const struct gc_result *result, struct str *text)
{
	if (c->any_rule) {
		vec_each (row, &c->rows)
			add_row(text, row);
		str_addf(text, "%zu of %s (days begin in %s)\n", c->going.len,
			COUNT(c->rows.len, "point goes", "points go"),
			c->rules.zone ? "local time" : "UTC");
	}
	if (!result)
		return;
	str_add(text, str_text(&c->wal_text));
	str_addf(text, "%s of %s would come free", BYTES(free_bytes(result)),
		BYTES(result->pack_bytes));
	if (result->sparse_bytes)
		str_addf(text, ", and about %s by copying packs together",
			BYTES(result->sparse_bytes));
	str_add(text, "\n");
}

static void add_result(const struct collecting *c, const struct gc_result *result, struct str *text)
{
	char soak[UNITS_TEXT];
	str_addf(text, "followed %s, %s\n", COUNT(result->points, "point", "points"),
		COUNT(result->chunks, "chunk", "chunks"));
	if (result->removed)
		str_addf(text, "removed %s, %s\n", COUNT(result->removed, "object", "objects"),
			BYTES(result->removed_bytes));
	if (result->rewritten)
		str_addf(text, "copied %s out of %s of which little is needed\n",
			BYTES(result->rewritten_bytes), COUNT(result->rewritten, "pack", "packs"));
	if (result->waiting)
		str_addf(text, "%s soaked for %s: %s\n",
			COUNT(result->waiting, "object waits until it has",
				"objects wait until they have"),
			units_show_duration(c->how.soak_ns, soak), BYTES(result->waiting_bytes));
	if (result->locked)
		str_addf(text, "%s locked by the place until a day to come\n",
			COUNT(result->locked, "object is", "objects are"));
	if (result->missing)
		str_addf(text, "%s gone that points need: see `ebb verify`\n",
			COUNT(result->missing, "chunk is", "chunks are"));
	if (!result->removed && !result->waiting && !result->rewritten)
		str_add(text, "nothing to do\n");
}

static json_t *result_json(const struct collecting *c, const struct gc_result *r)
{
	json_t *points = json_array();
	bool dry = c->how.dry_run;
	if (c->any_rule)
		vec_each (row, &c->rows)
			json_array_append_new(points, row_json(row));
	json_t *counts = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "chunks",
		(json_int_t)r->chunks, "missing", (json_int_t)r->missing, "pack_bytes",
		(json_int_t)r->pack_bytes, "orphans", (json_int_t)r->orphans, "waiting",
		(json_int_t)r->waiting, "waiting_bytes", (json_int_t)r->waiting_bytes, "lifted",
		(json_int_t)r->lifted, "rewritten_bytes", (json_int_t)r->rewritten_bytes, "removed",
		(json_int_t)r->removed, "removed_bytes", (json_int_t)r->removed_bytes, "locked",
		(json_int_t)r->locked, "reserve_used", r->reserve_used);
	json_t *document = json_pack("{s:s,s:b,s:s,s:I,s:o,s:o,s:I,s:I,s:o}", "type", "gc",
		"dry_run", dry, "zone", c->rules.zone ? "local" : "UTC", "going",
		(json_int_t)c->going.len, "points", points, "wal", json_incref(c->wal),
		"free_bytes", (json_int_t)(dry ? free_bytes(r) : r->removed_bytes), "sparse_bytes",
		(json_int_t)r->sparse_bytes, "result", counts);
	return document;
}

static int collect(struct collecting *c, struct gc_result *ret_result)
{
	struct why why = {""};
	c->how.without = c->how.dry_run ? c->going.at : NULL;
	c->how.without_count = c->how.dry_run ? c->going.len : 0;
	int err = repo_gc(c->keep->repo, &c->how, ret_result, &why);
	return err ? keep_fail(c->keep, err, &why) : EXIT_OK;
}

/* -n: all of it but the doing. */
static int say_plan(struct collecting *c)
{
	OWN(str_done) struct str text = {0};
	struct gc_result result;
	c->how.dry_run = true;
	int code = collect(c, &result);
	if (code)
		return code;
	expire_archives(c);
	if (args_given(&c->call->args, OPTION_JSON))
		return call_print_json(result_json(c, &result));
	add_preview(c, &result, &text);
	return call_print(&text);
}

/* Shows on standard error what is asked about. */
static int ask(struct collecting *c)
{
	OWN(str_done) struct str text = {0};
	char what[100];
	if (!c->going.len)
		return EXIT_OK;
	if (!args_given(&c->call->args, OPTION_JSON) && !args_given(&c->call->args, OPTION_YES)) {
		add_preview(c, NULL, &text);
		fputs(str_text(&text), stderr);
	}
	snprintf(what, sizeof(what), "removes %zu point%s for ever", c->going.len,
		c->going.len == 1 ? "" : "s");
	return consent(c->call, what);
}

static int remove_points(struct collecting *c)
{
	VEC(struct point_change) changes = {0};
	struct why why = {""};
	int err = 0;
	vec_each (id, &c->going) {
		struct point_change change = {*id, POINT_REMOVE};
		err = err ? err : vec_push(&changes, change);
	}
	if (!err && changes.len)
		err = repo_change_points(c->keep->repo, changes.at, changes.len, &why);
	vec_done(&changes);
	if (err == -EPERM)
		return call_fail(EXIT_GUARDED, "%s", why.text);
	return err ? keep_fail(c->keep, err, &why) : EXIT_OK;
}

static int do_it(struct collecting *c)
{
	OWN(str_done) struct str text = {0};
	struct gc_result result;
	int code = ask(c);
	if (code)
		return code;
	struct catalog_job job = ledger_begin(c->keep, JOB_GC);
	code = remove_points(c);
	if (!code)
		expire_archives(c);
	if (!code)
		code = collect(c, &result);
	if (!code) {
		job.entries = result.removed;
		job.written_bytes = result.rewritten_bytes;
	}
	ledger_end(c->keep, &job, code);
	if (code)
		return code;
	if (args_given(&c->call->args, OPTION_JSON))
		return call_print_json(result_json(c, &result));
	if (c->going.len)
		str_addf(
			&text, "removed %zu point%s\n", c->going.len, c->going.len == 1 ? "" : "s");
	str_add(&text, str_text(&c->wal_text));
	add_result(c, &result, &text);
	code = call_print(&text);
	return code ? code : c->wal_code;
}

int call_repo_gc(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(collecting_done)
	struct collecting c = {.call = call, .keep = &keep, .wal = json_array()};
	struct inbox_result brought = {0};
	int code = read_rules(call, &c);
	if (!code)
		code = keep_open(call, &keep);
	/* What waits in the inbox is needed by nothing yet, and must not be taken for waste. */
	if (!code && !args_given(&call->args, OPTION_DRY_RUN))
		code = adopt_inbox(&keep, &brought);
	if (!code)
		code = names_each(&keep, note_point, &c);
	if (!code)
		code = choose(&c);
	if (code)
		return code;
	return args_given(&call->args, OPTION_DRY_RUN) ? say_plan(&c) : do_it(&c);
}
