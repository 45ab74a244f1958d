/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document "metrics": the newest value of every series that is alive, and what the node counts
 * of itself, as rows of name, kind and value; as many as fit an answer, and where to go on.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "act/act.h"
#include "base/units.h"
#include "base/why.h"
#include "node/document.h"
#include "node/inside.h"
#include "node/noticing.h"
#include "notify/book.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "talk/reply.h"

/* A series that is silent for longer is no metric any more; the rarest are those of places, which
 * come every ten minutes. */
#define ALIVE_MS (12 * 60 * 1000)

enum { ROWS_MAX = TALK_REPLY_MAX / 2, ROW_MORE = 64 };

struct rows {
	json_t *list;
	size_t bytes;
	uint32_t from, next; /* numbers of series; next 0: all were said */
	int64_t now_ms;
};

static void add(struct rows *rows, const char *name, bool counter, double value)
{
	rows->bytes += 2 * strlen(name) + ROW_MORE;
	json_array_append_new(rows->list,
		json_pack("[o,s,f]", talk_json_text(name), counter ? "counter" : "gauge", value));
}

static bool add_series(void *arg, const struct series_one *one)
{
	struct rows *rows = arg;
	if (one->id < rows->from || rows->now_ms - one->last_ms > ALIVE_MS ||
		!isfinite(one->last_value))
		return true;
	if (rows->bytes > ROWS_MAX) {
		rows->next = one->id;
		return false;
	}
	add(rows, one->name, one->kind == SERIES_COUNTER, one->last_value);
	return true;
}

static void add_own(const struct node *node, struct rows *rows)
{
	const struct past *past = &node->past;
	add(rows, "ebb_ticks_total", true, (double)node->ticks);
	add(rows, "ebb_ticks_skipped_total", true, (double)node->skipped);
	add(rows, "ebb_samples_total", true, (double)past->watch.put);
	add(rows, "ebb_samples_refused_total", true, (double)past->watch.refused);
	add(rows, "ebb_models_kept_total", true, (double)node->learn.models);
	add(rows, "ebb_model_refits_total", true, (double)node->learn.days);
	add(rows, "ebb_learning_seconds_total", true, (double)node->learnt_ns / (double)NS_PER_SEC);
	if (node->act)
		add(rows, "ebb_plans_refused_total", true, (double)act_refused(node->act));
	add(rows, "ebb_degraded", false, node->state.failed ? 1 : 0);
}

static void add_about(struct rows *rows, const char *metric, const char *resource, double value)
{
	char text[NAME_TEXT];
	struct name name;
	if (name_start(&name, metric, strlen(metric), NULL) == 0 &&
		name_label(&name, "resource", resource, NULL) == 0 && name_text(&name, text))
		add(rows, text, false, value);
}

/* Of what is protected. No series: whoever wants to know how it was reads the ledger. */
static void add_protected(const struct node *node, struct rows *rows)
{
	int64_t now_s = rows->now_ms / 1000;
	for (size_t i = 0; node->act && i < act_count(node->act); i++) {
		const struct keeper *keeper = act_keeper(node->act, i);
		const char *name = keeper->how.name;
		if (keeper->last_s)
			add_about(rows, "ebb_recovery_point_timestamp_seconds", name,
				(double)keeper->last_s);
		add_about(rows, "ebb_recovery_point_objective_seconds", name,
			(double)(keeper->how.rpo_ns / NS_PER_SEC));
		add_about(rows, "ebb_recovery_point_at_risk", name,
			noticing_at_risk(keeper, now_s) ? 1 : 0);
	}
	if (node->book)
		add(rows, "ebb_notices_waiting", false, (double)book_waiting(node->book));
}

int node_metrics(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	struct rows rows = {.list = json_array()};
	rows.now_ms = clock_wall_ns(node->world->clock) / NS_PER_MS;
	rows.from = ask->from > 0 && ask->from <= UINT32_MAX ? (uint32_t)ask->from : 0;
	if (!rows.from) {
		add_own(node, &rows);
		add_protected(node, &rows);
	}
	if (node->past.series)
		series_each(node->past.series, add_series, &rows);
	json_t *next = rows.next ? json_integer(rows.next) : json_null();
	*ret = json_pack("{s:s,s:o,s:o}", "type", "metrics", "metrics", rows.list, "next", next);
	return *ret ? 0 : why_set(why, -ENOMEM, "out of memory");
}
