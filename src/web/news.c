/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a node is to what happened: after each turn its resources are held against those of
 * the turn before. Nothing is made while nobody listens, so that a node without a page does no
 * more than it did.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "node/document.h"
#include "os/clock.h"
#include "os/world.h"
#include "web/answer.h"
#include "web/inside.h"

#define LINGER_NS (10 * NS_PER_MIN)

/* Takes the document. What there is no memory for is missed, as by one who was away. */
static void add(struct web *web, const char *type, json_t *document)
{
	OWN(own_free) char *text = document ? answer_dump(document) : NULL;
	json_decref(document);
	if (text)
		events_add(&web->events, type, text);
}

static const json_t *find(const json_t *list, const char *name)
{
	json_t *one;
	size_t i;
	json_array_foreach (list, i, one) {
		const char *its = json_string_value(json_object_get(one, "name"));
		if (its && strcmp(its, name) == 0)
			return one;
	}
	return NULL;
}

static void add_job(struct web *web, int64_t id)
{
	char name[24];
	json_t *job = NULL;
	snprintf(name, sizeof(name), "%" PRId64, id);
	if (node_job(web->site.node, &(struct node_ask){.name = name}, &job, NULL) == 0)
		add(web, "job", job);
}

static void compare(struct web *web, const json_t *was, const json_t *one)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	json_t *plan = json_object_get(one, "plan"), *point = json_object_get(one, "point_at");
	json_t *job = json_object_get(one, "job");
	if (was && !json_equal(json_object_get(was, "plan"), plan))
		add(web, "decision",
			json_pack("{s:s,s:s,s:O}", "type", "decision", "resource", name, "plan",
				plan));
	if (was && !json_equal(json_object_get(was, "point_at"), point))
		add(web, "point",
			json_pack("{s:s,s:s,s:O}", "type", "point", "resource", name, "at", point));
	if (json_is_object(job))
		add_job(web, json_integer_value(json_object_get(job, "id")));
}

/* Who listened a while ago comes back: what happens meanwhile is remembered for him. */
static bool is_heard(struct web *web)
{
	int64_t now_ns = clock_mono_ns(web->world->clock);
	if (web->reader_count)
		web->heard_ns = now_ns;
	bool heard = web->heard_ns && now_ns - web->heard_ns < LINGER_NS;
	if (!heard && web->heard_ns) {
		web->heard_ns = 0;
		events_forget(&web->events);
		json_decref(web->last);
		web->last = NULL;
	}
	return heard;
}

void web_turn(struct web *web)
{
	json_t *now = NULL, *one;
	size_t i;
	if (!is_heard(web) ||
		node_resources(web->site.node, &(struct node_ask){0}, &now, NULL) != 0)
		return;
	const json_t *was = json_object_get(web->last, "resources");
	json_array_foreach (json_object_get(now, "resources"), i, one)
		compare(web, find(was, json_string_value(json_object_get(one, "name"))), one);
	json_object_set_new(now, "type", json_string("status"));
	json_decref(web->last);
	web->last = json_incref(now);
	add(web, "status", now);
	streams_wake(web);
}

void web_job(struct web *web, int64_t id)
{
	if (!is_heard(web))
		return;
	add_job(web, id);
	streams_wake(web);
}
