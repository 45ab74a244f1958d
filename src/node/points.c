/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of moments that can be had back, as the ledger knows them, and of where they lie. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "act/act.h"
#include "act/ledger.h"
#include "base/units.h"
#include "base/why.h"
#include "node/document.h"
#include "node/inside.h"
#include "node/members.h"
#include "talk/reply.h"

static const struct keeper *keeper_of(const struct node *node, const char *name)
{
	return node->act ? act_find(node->act, name) : NULL;
}

struct gathering {
	const struct node *node;
	json_t *list;
};

/* "home@2026-11-21T02:10": as a person names a point; the job that made it is `job`. */
static bool add_point(void *arg, const struct ledger_job *job)
{
	struct gathering *gathering = arg;
	const struct keeper *keeper = keeper_of(gathering->node, job->resource);
	char shown[UNITS_TEXT], id[CONF_NAME_MAX + UNITS_TEXT];
	units_show_time(job->started_s * NS_PER_SEC, shown);
	snprintf(id, sizeof(id), "%s@%.19s", job->resource, shown);
	return json_array_append_new(gathering->list,
		       json_pack("{s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:I}", "id", id, "resource",
			       job->resource, "job", (json_int_t)job->id, "start",
			       member_time(job->started_s), "end", member_time(job->ended_s),
			       "verified", member_time(job->ended_s), "tier",
			       keeper ? talk_json_text(keeper->how.to) : json_null(), "bytes",
			       (json_int_t)job->bytes)) == 0;
}

int node_points(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	struct ledger *ledger = node->act ? act_ledger(node->act) : NULL;
	struct gathering gathering = {node, json_array()};
	const struct ledger_ask done = {
		.resource = ask->name, .state = JOB_DONE, .max = NODE_JOBS_AT_ONCE};
	if (ledger)
		act_ledger_each(ledger, &done, add_point, &gathering);
	*ret = json_pack("{s:s,s:o}", "type", "points", "points", gathering.list);
	return *ret ? 0 : why_set(why, -ENOMEM, "out of memory");
}

/* ---- tiers ---- */

static json_t *tier_of(json_t *list, const char *where)
{
	json_t *one;
	size_t i;
	json_array_foreach (list, i, one)
		if (strcmp(json_string_value(json_object_get(one, "where")), where) == 0)
			return one;
	one = json_pack("{s:o,s:o,s:n,s:[]}", "name", talk_json_text(where), "where",
		talk_json_text(where), "newest", "resources");
	return json_array_append_new(list, one) == 0 ? one : NULL;
}

static void add_keeper(json_t *list, const struct keeper *keeper)
{
	json_t *tier = tier_of(list, keeper->how.to);
	const char *newest = json_string_value(json_object_get(tier, "newest"));
	json_t *last = member_time(keeper->last_s);
	const char *its = json_string_value(last);
	if (tier)
		json_array_append_new(
			json_object_get(tier, "resources"), json_string(keeper->how.name));
	if (tier && its && (!newest || strcmp(its, newest) > 0))
		json_object_set(tier, "newest", last);
	json_decref(last);
}

/* The places that resources go to; nothing is asked of them. */
int node_tiers(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	(void)ask;
	json_t *list = json_array();
	for (size_t i = 0; node->act && i < act_count(node->act); i++)
		add_keeper(list, act_keeper(node->act, i));
	*ret = json_pack("{s:s,s:o}", "type", "tiers", "tiers", list);
	return *ret ? 0 : why_set(why, -ENOMEM, "out of memory");
}
