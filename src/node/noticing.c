/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences: of points that are too old, jobs that failed, damage, places that fill. */
#include "node/noticing.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/own.h"
#include "base/units.h"
#include "foresee/fill.h"
#include "node/inside.h"
#include "notify/book.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"

enum {
	SENTENCE = 400,
	/* Exit codes of ebb, and of programs that somebody ended on purpose. */
	CODE_DAMAGED = 13,
	CODE_INTERRUPTED = 130,
	CODE_TERMINATED = 143,
	LOOK_S = 3600,   /* between two looks at how places fill */
	SOON_DAYS = 7,   /* full in so many days is soon */
	SPARE_PARTS = 33 /* less than such a part free is full */
};

static int64_t wall_s(const struct node *node)
{
	return clock_wall_ns(node->world->clock) / NS_PER_SEC;
}

static const char *show_time(int64_t at_s, char text[UNITS_TEXT])
{
	return units_show_time(at_s * NS_PER_SEC, text);
}

static void say(struct node *node, enum notice_kind kind, const char *resource, bool is_so,
	const char *text)
{
	const struct notice notice = {kind, resource, is_so, text};
	book_say(node->book, &notice);
}

/* ---- points ---- */

static int64_t rpo_s(const struct keeper *keeper)
{
	return keeper->how.rpo_ns / NS_PER_SEC;
}

bool noticing_missed(const struct keeper *keeper, int64_t now_s)
{
	return keeper->last_s && now_s - keeper->last_s > rpo_s(keeper);
}

/* The planner says so, or jobs fail and a quarter of the time is left. */
bool noticing_at_risk(const struct keeper *keeper, int64_t now_s)
{
	bool fails = keeper->failures > 0 &&
		now_s - keeper->last_s > rpo_s(keeper) - rpo_s(keeper) / 4;
	return keeper->last_s && (keeper->plan.will_miss || fails);
}

static void say_missed(struct node *node, const struct keeper *keeper, int64_t now_s)
{
	char text[SENTENCE], at[UNITS_TEXT], rpo[UNITS_TEXT];
	bool missed = noticing_missed(keeper, now_s);
	snprintf(text, sizeof(text),
		missed ? "%s: the newest point is of %s, older than the %s that were promised. "
			 "`ebb job ls %s` tells what was tried."
		       : "%s: there is a point of %s; it is not older than %s.",
		keeper->how.name, show_time(keeper->last_s, at),
		units_show_duration(keeper->how.rpo_ns, rpo), keeper->how.name);
	say(node, NOTICE_RPO_MISSED, keeper->how.name, missed, text);
}

static void say_at_risk(struct node *node, const struct keeper *keeper, int64_t now_s)
{
	char text[SENTENCE], at[UNITS_TEXT];
	bool at_risk = noticing_at_risk(keeper, now_s);
	const char *name = keeper->how.name;
	if (at_risk)
		snprintf(text, sizeof(text),
			"%s: no point is expected before %s, when the newest one becomes older "
			"than was promised%s. `ebb job why %s` tells why.",
			name, show_time(keeper->last_s + rpo_s(keeper), at),
			keeper->failures ? ": jobs fail" : "", name);
	else
		snprintf(text, sizeof(text), "%s: the next point is expected in time again.", name);
	/* That it was missed is told: the risk is over when there is a point. */
	if (noticing_missed(keeper, now_s) && !at_risk)
		book_keep(node->book, NOTICE_RPO_AT_RISK, name);
	else
		say(node, NOTICE_RPO_AT_RISK, name, at_risk, text);
}

static void say_points(struct node *node)
{
	int64_t now_s = wall_s(node);
	for (size_t i = 0; i < act_count(node->act); i++) {
		const struct keeper *keeper = act_keeper(node->act, i);
		book_keep(node->book, NOTICE_JOB_FAILED, keeper->how.name);
		book_keep(node->book, NOTICE_DAMAGED, keeper->how.name);
		if (!keeper->last_s) {
			book_keep(node->book, NOTICE_RPO_MISSED, keeper->how.name);
			book_keep(node->book, NOTICE_RPO_AT_RISK, keeper->how.name);
			continue;
		}
		say_missed(node, keeper, now_s);
		say_at_risk(node, keeper, now_s);
	}
}

/* ---- jobs ---- */

static void say_failed(struct node *node, const char *name, const struct ledger_job *job)
{
	char text[SENTENCE];
	if (job->code == CODE_DAMAGED) {
		const struct keeper *keeper = act_find(node->act, name);
		snprintf(text, sizeof(text),
			"%s: what was stored does not read back as it was (job %" PRId64 "). `ebb "
			"verify --repo %.150s --repair` mends what can be mended.",
			name, job->id, keeper ? keeper->how.to : "...");
		say(node, NOTICE_DAMAGED, name, true, text);
	}
	snprintf(text, sizeof(text),
		"%s: job %" PRId64 " failed with code %" PRId64 "; it is tried again, less and "
		"less often. The log of ebbd tells what it said.",
		name, job->id, job->code);
	say(node, NOTICE_JOB_FAILED, name, true, text);
}

void noticing_job(struct node *node, const struct act_event *event)
{
	const struct ledger_job *job = event->job;
	char text[SENTENCE];
	/* Who decides is no trouble. */
	if (!node->book || event->news)
		return;
	if (event->trouble) {
		snprintf(text, sizeof(text), "%s: no job begins: %.300s", event->resource,
			event->trouble);
		say(node, NOTICE_JOB_FAILED, event->resource, true, text);
	} else if (job->ended_s && job->state == JOB_DONE) {
		snprintf(text, sizeof(text), "%s: job %" PRId64 " made a point, and read it back.",
			event->resource, job->id);
		say(node, NOTICE_JOB_FAILED, event->resource, false, text);
		say(node, NOTICE_DAMAGED, event->resource, false, text);
	} else if (job->ended_s && job->state == JOB_FAILED && job->code != CODE_INTERRUPTED &&
		job->code != CODE_TERMINATED) {
		say_failed(node, event->resource, job);
	}
}

/* ---- places ---- */

static bool find_tier(const struct node *node, const char *metric, const char *tier, uint32_t *ret)
{
	struct name name;
	return name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "tier", tier, NULL) == 0 &&
		series_find(node->past.series, &name, ret) == 0;
}

static size_t read_moments(struct node *node, uint32_t id, struct fill_moment *moments)
{
	OWN(buckets_done) struct buckets buckets = {0};
	int64_t now_ms = wall_s(node) * 1000, hour_ms = level_step_ms(LEVEL_HOUR);
	const struct series_span span = {
		LEVEL_HOUR, now_ms - FILL_MOMENTS_MAX * hour_ms, now_ms + hour_ms};
	size_t count = 0;
	if (series_roll(node->past.series, id, &span, &buckets, NULL))
		return 0;
	vec_each (row, &buckets.rows)
		if (count < FILL_MOMENTS_MAX && row->count)
			moments[count++] = (struct fill_moment){
				(double)(row->ms / 1000), row->mean};
	return count;
}

static void say_fill(struct node *node, const char *tier, double free_bytes, double size)
{
	struct fill_moment moments[FILL_MOMENTS_MAX];
	char text[SENTENCE], left[UNITS_TEXT], more[UNITS_TEXT];
	uint32_t id;
	size_t count = find_tier(node, "ebb_tier_free_bytes", tier, &id)
		? read_moments(node, id, moments)
		: 0;
	double per_day = fill_per_day(moments, count);
	double days = per_day > 0 ? free_bytes / per_day : (double)INFINITY;
	bool full = free_bytes < size / SPARE_PARTS;
	units_show_size((uint64_t)free_bytes, left);
	if (days < SOON_DAYS)
		snprintf(text, sizeof(text),
			"%.200s: full in about %.1f days: %s are left, %s more are taken a day.",
			tier, days, left, units_show_size((uint64_t)per_day, more));
	else if (full)
		snprintf(text, sizeof(text), "%.200s: nearly full, %s are left.", tier, left);
	else
		snprintf(text, sizeof(text), "%.200s: there is room again, %s.", tier, left);
	say(node, NOTICE_TIER_FULL, tier, full || days < SOON_DAYS, text);
}

static bool newest(const struct node *node, const char *metric, const char *tier, double *ret)
{
	struct series_one one;
	uint32_t id;
	if (!find_tier(node, metric, tier, &id) || !series_one(node->past.series, id, &one))
		return false;
	*ret = one.last_value;
	return isfinite(one.last_value) && one.last_value >= 0;
}

static void say_tiers(struct node *node)
{
	int64_t now_s = wall_s(node);
	bool look = now_s / LOOK_S != node->tiers_looked_s / LOOK_S;
	for (size_t i = 0; i < act_count(node->act); i++) {
		const char *tier = act_keeper(node->act, i)->how.to;
		double free_bytes, size;
		book_keep(node->book, NOTICE_TIER_FULL, tier);
		if (!look || !node->past.series ||
			!newest(node, "ebb_tier_free_bytes", tier, &free_bytes) ||
			!newest(node, "ebb_tier_size_bytes", tier, &size))
			continue;
		say_fill(node, tier, free_bytes, size);
		node->tiers_looked_s = now_s;
	}
}

/* ---- the node's calls ---- */

int noticing_begin(struct node *node)
{
	struct book_options options = {
		.world = node->world, .program = node->options.ebb, .env = node->options.env};
	memcpy(options.identity, node->state.identity, IDENTITY_SIZE);
	return options.program ? book_open(&options, &node->book) : 0;
}

void noticing_end(struct node *node)
{
	book_close(TAKE(node->book));
}

void noticing_set(struct node *node, const struct conf_notifies *to)
{
	static const struct conf_notifies nobody;
	if (node->book)
		book_set(node->book, to ? to : &nobody, node->conf_path, node->conf.node_name);
}

void noticing_turn(struct node *node)
{
	if (!node->book || !node->act || node->state.failed)
		return;
	say_points(node);
	say_tiers(node);
	book_turn(node->book);
}
