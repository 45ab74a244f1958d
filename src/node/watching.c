/* SPDX-License-Identifier: Apache-2.0 */
/* What is observed each turn besides the host, as the configuration wants it. */
#include "conf/watched.h"
#include "node/inside.h"
#include "os/clock.h"
#include "os/host.h"
#include "os/world.h"
#include "watch/postgres.h"
#include "watch/programs.h"

static void look_at_programs(struct node *node)
{
	struct watching *watching = &node->watching;
	struct host_look look;
	if (!watching->programs || !watching->wanted.count || !node->conf.watch_programs_max)
		return;
	watch_programs_begin(watching->programs, clock_mono_ns(node->world->clock),
		node->load_failure.text[0] ? 0 : node->reading.cpus);
	if (host_programs(node->world->host, &watching->wanted, watch_programs_see,
		    watching->programs, &look) == 0)
		watch_programs_end(watching->programs, &look, &node->past.watch);
}

static void close_postgres(struct watching *watching)
{
	vec_each (postgres, &watching->postgres)
		watch_postgres_free(*postgres);
	watching->postgres.len = 0;
}

/* All anew: a reload is rare, and what was asked is asked again. */
static void open_postgres(struct node *node, const struct conf_watched *watched)
{
	struct watching *watching = &node->watching;
	vec_each (entry, &watched->postgres) {
		const struct watch_postgres_options options = {
			entry->name, entry->dsn, entry->every_ns};
		struct watch_postgres *postgres = watch_postgres_new(node->world, &options);
		/* Without memory it is not watched until the next reload. */
		if (postgres && vec_push(&watching->postgres, postgres) != 0)
			watch_postgres_free(postgres);
	}
}

/* What does not fit into memory is not gone by until the next reload. */
static void adopt_applications(struct node *node, const struct conf_watched *watched)
{
	struct apps *apps = &node->watching.apps;
	apps->list.len = 0;
	for (size_t i = 0; watched && i < watched->applications.len; i++) {
		const struct conf_application *entry = &watched->applications.at[i];
		const struct app_said said = {entry->name, entry->series, entry->calendar,
			(enum app_type)entry->type, (enum app_class)entry->class};
		(void)apps_add(apps, &said);
	}
}

void watching_adopt(struct node *node, const struct conf_watched *watched)
{
	struct watching *watching = &node->watching;
	uint32_t max = (uint32_t)node->conf.watch_programs_max;
	size_t at;
	/* The configuration was checked when it was read. */
	if (wanted_parse(node->conf.watch_programs, &watching->wanted, &at, NULL) != 0)
		watching->wanted = (struct wanted){0};
	if (!watching->programs)
		watching->programs = watch_programs_new(max);
	else
		watch_programs_max(watching->programs, max);
	adopt_applications(node, watched);
	close_postgres(watching);
	if (watched)
		open_postgres(node, watched);
}

void watching_turn(struct node *node)
{
	look_at_programs(node);
	vec_each (postgres, &node->watching.postgres)
		watch_postgres_turn(*postgres, &node->past.watch);
	if (node->past.observe)
		node->past.observe(node->past.arg, &node->past.watch);
}

void watching_end(struct node *node)
{
	watch_programs_free(node->watching.programs);
	close_postgres(&node->watching);
	vec_done(&node->watching.postgres);
	apps_done(&node->watching.apps);
	node->watching = (struct watching){0};
}
