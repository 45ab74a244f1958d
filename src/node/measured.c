/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of what is measured: all series, what comes of one, volumes. A forecast is asked of the
 * model that the node keeps: a series that has none yet has none here, for learning its weeks would
 * stop the loop.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "foresee/kept.h"
#include "node/document.h"
#include "node/inside.h"
#include "node/members.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/name.h"
#include "series/series.h"
#include "talk/reply.h"

enum { FED_WITHIN_MS = 3 * 24 * HOUR_MS };

static int no_memory(struct why *why)
{
	return why_set(why, -ENOMEM, "out of memory");
}

static int64_t now_ms_of(const struct node *node)
{
	return clock_wall_ns(node->world->clock) / NS_PER_MS;
}

/* ---- all of them ---- */

static bool add_series(void *arg, const struct series_one *one)
{
	bool known = one->last_ms != INT64_MIN;
	json_t *last = isfinite(one->last_value) ? json_real(one->last_value) : json_null();
	return json_array_append_new(arg,
		       json_pack("{s:o,s:s,s:o,s:o}", "series", talk_json_text(one->name), "kind",
			       one->kind == SERIES_COUNTER ? "counter" : "gauge", "newest",
			       member_time(known ? one->last_ms / 1000 : 0), "value", last)) == 0;
}

int node_series(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	(void)ask;
	json_t *list = json_array();
	if (node->past.series)
		series_each(node->past.series, add_series, list);
	*ret = json_pack("{s:s,s:o}", "type", "series", "series", list);
	return *ret ? 0 : no_memory(why);
}

/* ---- what comes of one ---- */

static void model_free_own(struct model **model)
{
	model_free(*model);
}

static int find(struct node *node, const char *text, struct series_one *ret, struct why *why)
{
	struct name name;
	uint32_t id;
	if (name_parse(text, &name, NULL) != 0 || !node->past.series ||
		series_find(node->past.series, &name, &id) != 0 ||
		!series_one(node->past.series, id, ret))
		return why_set(why, -ENOENT, "there is no series '%.200s'", text);
	return 0;
}

/* The model that is kept, with the hours since. */
static int take_model(struct node *node, const struct feed *feed, const struct series_one *one,
	struct fed *fed, struct why *why)
{
	struct kept kept = {.disk = node->world->disk, .name = one->name};
	int64_t now_ms = now_ms_of(node);
	memcpy(kept.identity, node->state.identity, IDENTITY_SIZE);
	fed->id = one->id;
	if (kept_read(&kept, fed, NULL) != 0 || now_ms - fed->until_ms > FED_WITHIN_MS)
		return why_set(why, -ENODATA, "the model of this series is still being learnt");
	feed_belong(feed, fed, one->name);
	return feed_all(feed, now_ms, fed, why);
}

static json_t *steps_json(const struct ahead *ahead, int64_t start_ms, size_t hours)
{
	json_t *steps = json_array();
	for (size_t h = 0; h < hours; h++) {
		json_t *values = json_array();
		for (size_t q = 0; q < AHEAD_QUANTILES; q++)
			json_array_append_new(values, json_real(ahead->quantile[h][q]));
		json_array_append_new(steps,
			json_pack("{s:o,s:f,s:o}", "at",
				member_time(start_ms / 1000 + (int64_t)h * 3600), "value",
				ahead->mix[h], "quantiles", values));
	}
	return steps;
}

static json_t *taus_json(void)
{
	json_t *taus = json_array();
	for (size_t q = 0; q < AHEAD_QUANTILES; q++)
		json_array_append_new(taus, json_real(ahead_taus[q]));
	return taus;
}

int node_forecast(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	OWN(model_free_own) struct model *model = model_new();
	struct fed fed = {.model = model};
	struct feed feed = node->learn.feed;
	struct feed_said said = {0};
	struct series_one one;
	size_t hours = (size_t)((ask->horizon_s + 3599) / 3600);
	int64_t now_ms = now_ms_of(node);
	if (!model)
		return no_memory(why);
	feed.series = node->past.series;
	feed.apps = &node->watching.apps;
	feed.teach = false;
	int err = find(node, ask->name, &one, why);
	if (!err)
		err = take_model(node, &feed, &one, &fed, why);
	if (!err)
		err = feed_ahead(&feed, now_ms, &fed, &said, why);
	if (err)
		return err;
	*ret = json_pack("{s:s,s:o,s:s,s:o,s:o,s:i,s:o,s:o}", "type", "forecast", "series",
		talk_json_text(one.name), "unit", one.kind == SERIES_COUNTER ? "1/s" : "", "now",
		member_time(now_ms / 1000), "start", member_time(said.start_ms / 1000), "step",
		3600, "taus", taus_json(), "steps",
		steps_json(feed.ahead, said.start_ms, hours < AHEAD_HOURS ? hours : AHEAD_HOURS));
	return *ret ? 0 : no_memory(why);
}

/* ---- volumes ---- */

struct volumes_told {
	json_t *list;
	int64_t now_ms;
};

static json_t *volume_of(json_t *list, const char *name, size_t len)
{
	json_t *one;
	size_t i;
	json_array_foreach (list, i, one) {
		const json_t *its = json_object_get(one, "name");
		if (json_string_length(its) == len &&
			memcmp(json_string_value(its), name, len) == 0)
			return one;
	}
	one = json_pack("{s:s%}", "name", name, len);
	return json_array_append_new(list, one) == 0 ? one : NULL;
}

/* ebb_volume_reads_total{volume="db"} is the member "reads_total" of the volume db. */
static bool add_volume(void *arg, const struct series_one *one)
{
	static const char prefix[] = "ebb_volume_";
	struct volumes_told *told = arg;
	struct name name;
	size_t len;
	if (strncmp(one->name, prefix, strlen(prefix)) != 0 ||
		told->now_ms - one->last_ms > 5 * 60 * 1000 || !isfinite(one->last_value) ||
		name_parse(one->name, &name, NULL) != 0)
		return true;
	const char *volume = name_value(&name, "volume", &len);
	char key[64] = "";
	size_t key_len = name.metric.len - strlen(prefix);
	json_t *of = volume ? volume_of(told->list, volume, len) : NULL;
	if (of && key_len < sizeof(key)) {
		memcpy(key, name.bytes + name.metric.at + strlen(prefix), key_len);
		json_object_set_new(of, key, json_real(one->last_value));
	}
	return true;
}

int node_volumes(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	(void)ask;
	struct volumes_told told = {json_array(), now_ms_of(node)};
	if (node->past.series)
		series_each(node->past.series, add_volume, &told);
	*ret = json_pack("{s:s,s:o}", "type", "volumes", "volumes", told.list);
	return *ret ? 0 : no_memory(why);
}
