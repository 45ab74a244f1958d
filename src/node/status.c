/* SPDX-License-Identifier: Apache-2.0 */
/* How the node is: one document, in seconds, bytes, shares of 1 and RFC 3339. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/units.h"
#include "node/acting.h"
#include "node/document.h"
#include "node/inside.h"
#include "os/clock.h"
#include "os/world.h"
#include "series/series.h"
#include "talk/reply.h"
#include "watch/postgres.h"
#include "watch/programs.h"

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_SEC;
}

static json_t *pressure_json(const struct load_pressure *pressure)
{
	return pressure->known
		? json_pack("{s:f,s:f}", "some", pressure->some, "full", pressure->full)
		: json_null();
}

static json_t *disk_json(const struct load *load)
{
	return load->busiest_disk[0]
		? json_pack("{s:o,s:f}", "name", talk_json_text(load->busiest_disk), "busy_share",
			  load->busiest_share)
		: json_null();
}

/* null until there are two readings to compare. */
static json_t *host_json(const struct load *load)
{
	if (!load->span_ns)
		return json_null();
	return json_pack("{s:f,s:i,s:f,s:I,s:I,s:f,s:f,s:o,s:{s:o,s:o,s:o}}", "span",
		seconds(load->span_ns), "cpus", (int)load->cpus, "cpu_share", load->cpu_share,
		"memory", (json_int_t)load->memory_bytes, "memory_available",
		(json_int_t)load->memory_available_bytes, "disk_read_rate", load->read_bytes_rate,
		"disk_write_rate", load->write_bytes_rate, "busiest_disk", disk_json(load),
		"pressure", "cpu", pressure_json(&load->cpu), "memory",
		pressure_json(&load->memory), "io", pressure_json(&load->io));
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? talk_json_text(text) : json_null();
}

static uint64_t sum_of(const uint64_t *numbers)
{
	uint64_t sum = 0;
	for (enum series_level level = 0; level < LEVELS; level++)
		sum += numbers[level];
	return sum;
}

static json_t *history_json(const struct past *past)
{
	if (!past->series)
		return json_pack("{s:o}", "error", text_or_null(past->failure.text));
	struct series_facts facts = series_facts(past->series);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "series", (json_int_t)facts.series,
		"samples", (json_int_t)past->watch.put, "refused", (json_int_t)past->watch.refused,
		"memory", (json_int_t)facts.memory, "bytes",
		(json_int_t)(sum_of(facts.bytes) + facts.log_bytes), "damaged",
		(json_int_t)facts.damaged, "error", text_or_null(past->failure.text));
}

static json_t *models_json(const struct node *node)
{
	const struct learn *learn = &node->learn;
	return json_pack("{s:I,s:I,s:I,s:f,s:o}", "kept", (json_int_t)learn->models, "days",
		(json_int_t)learn->days, "damaged", (json_int_t)learn->damaged, "cpu",
		seconds(node->learnt_ns), "error", text_or_null(learn->failure.text));
}

static json_t *programs_json(const struct node *node)
{
	if (!node->watching.programs)
		return json_null();
	struct watch_programs_facts facts = watch_programs_facts(node->watching.programs);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "known", (json_int_t)facts.known, "kept",
		(json_int_t)facts.kept, "left_out", (json_int_t)facts.left_out, "waiting",
		(json_int_t)facts.waiting, "resets", (json_int_t)facts.resets, "poisoned",
		(json_int_t)facts.poisoned);
}

static json_t *postgres_json(const struct node *node)
{
	json_t *list = json_array();
	vec_each (postgres, &node->watching.postgres) {
		struct watch_postgres_facts facts = watch_postgres_facts(*postgres);
		json_array_append_new(list,
			json_pack("{s:s,s:b,s:I,s:I,s:I,s:o}", "name", facts.name, "up", facts.up,
				"answers", (json_int_t)facts.answers, "failures",
				(json_int_t)facts.failures, "poisoned", (json_int_t)facts.poisoned,
				"error", text_or_null(facts.failure)));
	}
	return list;
}

static json_t *config_json(const struct node *node)
{
	char hash[17];
	snprintf(hash, sizeof(hash), "%016" PRIx64, node->conf_hash);
	return json_pack("{s:o,s:s}", "path",
		node->conf_path[0] ? talk_json_text(node->conf_path) : json_null(), "hash", hash);
}

int node_status(struct node *node, const struct node_ask *ask, json_t **ret, struct why *why)
{
	(void)ask;
	struct node_facts facts = node_facts(node);
	char started[UNITS_TEXT], now[UNITS_TEXT];
	units_show_time(node->started_wall_ns, started);
	int64_t up_ns = clock_mono_ns(node->world->clock) - node->started_mono_ns;
	units_show_time(clock_wall_ns(node->world->clock), now);
	json_t *status = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:s,s:f,s:s}", "type", "status",
		"version", node->options.version, "node", node->conf.node_name, "region",
		node->conf.node_region, "id", facts.id, "boot", (json_int_t)facts.boot,
		"previous_close", facts.previous_close, "started", started, "uptime",
		seconds(up_ns), "now", now);
	json_t *rest = json_pack("{s:f,s:I,s:I,s:f,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "tick",
		seconds(node->conf.loop_tick_ns), "ticks", (json_int_t)node->ticks, "ticks_skipped",
		(json_int_t)node->skipped, "last_tick", seconds(node->last_tick_ns), "host",
		host_json(&node->load), "host_error", text_or_null(node->load_failure.text),
		"history", history_json(&node->past), "programs", programs_json(node), "postgres",
		postgres_json(node), "models", models_json(node), "config", config_json(node),
		"degraded", text_or_null(node->state.failed ? node->state.failure.text : ""));
	if (!status || !rest || json_object_update(status, rest) != 0) {
		json_decref(status);
		status = NULL;
	}
	json_decref(rest);
	const char *url = node->options.url ? node->options.url(node->options.arg) : "";
	if (status)
		json_object_set_new(status, "url", text_or_null(url));
	json_t *acting = acting_json(node);
	if (status && acting)
		json_object_update(status, acting);
	json_decref(acting);
	if (!status)
		return why_set(why, -ENOMEM, "out of memory");
	*ret = status;
	return 0;
}
