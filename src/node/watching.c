/* SPDX-License-Identifier: Apache-2.0 */
/* What is observed each turn besides the host, as the configuration wants it. */
#include "node/inside.h"
#include "os/clock.h"
#include "os/host.h"
#include "os/world.h"
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

void watching_adopt(struct node *node)
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
}

void watching_turn(struct node *node)
{
	look_at_programs(node);
	if (node->past.observe)
		node->past.observe(node->past.arg, &node->past.watch);
}

void watching_end(struct node *node)
{
	watch_programs_free(node->watching.programs);
	node->watching = (struct watching){0};
}
