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

int node_metrics(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	struct rows rows = {.list = json_array()};
	rows.now_ms = clock_wall_ns(node->world->clock) / NS_PER_MS;
	rows.from = ask->from > 0 && ask->from <= UINT32_MAX ? (uint32_t)ask->from : 0;
	if (!rows.from)
		add_own(node, &rows);
	if (node->past.series)
		series_each(node->past.series, add_series, &rows);
	json_t *next = rows.next ? json_integer(rows.next) : json_null();
	*ret = json_pack("{s:s,s:o,s:o}", "type", "metrics", "metrics", rows.list, "next", next);
	return *ret ? 0 : why_set(why, -ENOMEM, "out of memory");
}
