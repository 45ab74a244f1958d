/* SPDX-License-Identifier: Apache-2.0 */
/* A node's wiring: state, control address and loop, put together and taken apart. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/act.h"
#include "base/own.h"
#include "conf/protect.h"
#include "node/acting.h"
#include "node/document.h"
#include "node/inside.h"
#include "node/noticing.h"
#include "os/clock.h"
#include "os/world.h"
#include "talk/server.h"

struct node_facts node_facts(const struct node *node)
{
	const struct state *state = &node->state;
	struct node_facts facts = {.boot = state->life.boot};
	facts.previous_close = !state->before.boot ? "none"
		: state->before.closed             ? "orderly"
						   : "lost";
	for (size_t i = 0; i < IDENTITY_SIZE; i++)
		snprintf(facts.id + 2 * i, 3, "%02x", state->identity[i]);
	return facts;
}

void node_check_state(struct node *node)
{
	if (!node->state.failed || node->degraded_told)
		return;
	node->degraded_told = true;
	if (node->options.on_degraded)
		node->options.on_degraded(node->options.arg, node->state.failure.text);
}

/* What is protected stays as it was when there is no memory for another. */
static void adopt(struct node *node, const struct node_config *config)
{
	static const struct conf_protects none;
	if (node->act)
		act_set(node->act, config->protects ? config->protects : &none);
	node->conf = *config->conf;
	node->conf_hash = config->hash;
	snprintf(node->conf_path, sizeof(node->conf_path), "%s", config->path);
	noticing_set(node, config->notifies);
	watching_adopt(node, config->watched);
	state_config(&node->state, config->hash);
	node_check_state(node);
}

int node_start(struct world *world, const struct node_options *options,
	const struct node_config *config, struct node **ret_node, struct why *why)
{
	struct node *node = calloc(1, sizeof(*node));
	if (!node)
		return why_set(why, -ENOMEM, "out of memory");
	node->world = world;
	node->options = *options;
	node->started_mono_ns = clock_mono_ns(world->clock);
	node->started_wall_ns = clock_wall_ns(world->clock);
	int err = state_open(world, options->version, &node->state, why);
	if (!err) {
		err = verbs_listen(node, why);
		if (err)
			state_close(&node->state, NULL);
	}
	if (err) {
		free(node);
		return err;
	}
	node->conf = *config->conf;
	err = acting_begin(node);
	if (!err)
		err = noticing_begin(node);
	adopt(node, config);
	past_open(&node->past, world, node->state.identity);
	node->past.observe = node->options.observe;
	node->past.arg = node->options.arg;
	int learning_err = learning_begin(node);
	err = err ? err : learning_err;
	if (err) {
		node_stop(node, NULL);
		return why_set(why, err, "out of memory");
	}
	tick_begin(node);
	*ret_node = node;
	return 0;
}

static int fixed(const char *key, const char *was, const char *wanted, struct why *why)
{
	if (strcmp(was, wanted) == 0)
		return 0;
	return why_set(why, -EINVAL, "%s cannot change from %s to %s while ebbd runs: restart it",
		key, was, wanted);
}

int node_reload(struct node *node, const struct node_config *config, struct why *why)
{
	const struct conf *was = &node->conf, *wanted = config->conf;
	int err = fixed("state", was->state, wanted->state, why);
	if (!err)
		err = fixed("control.socket", was->control_socket, wanted->control_socket, why);
	if (err)
		return err;
	if (memcmp(&was->http, &wanted->http, sizeof(was->http)) != 0)
		return why_set(
			why, -EINVAL, "the section http cannot change while ebbd runs: restart it");
	bool period_changed = was->loop_tick_ns != wanted->loop_tick_ns;
	adopt(node, config);
	if (period_changed)
		tick_again(node);
	return 0;
}

int node_stop(struct node *node, struct why *why)
{
	timer_cancel(node->world->loop, &node->tick);
	talk_server_close(node->server);
	probing_end(node);
	acting_end(node);
	noticing_end(node);
	learning_end(node);
	watching_end(node);
	past_close(&node->past);
	int err = state_close(&node->state, why);
	free(node);
	return err;
}

int node_is_ready(const struct node *node, struct why *why)
{
	int64_t late_ns = clock_mono_ns(node->world->clock) - node->due_ns;
	if (node->state.failed)
		return why_set(why, -EIO, "degraded: %s", node->state.failure.text);
	if (!node->ticks)
		return why_set(why, -EAGAIN, "the first turn of the loop is not over yet");
	if (late_ns > 3 * node->conf.loop_tick_ns)
		return why_set(why, -ETIME, "the loop is three turns late");
	return 0;
}
