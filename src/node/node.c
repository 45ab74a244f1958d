/* SPDX-License-Identifier: Apache-2.0 */
/* A node's wiring: state, control address and loop, put together and taken apart. */
#include "node/node.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/act.h"
#include "base/own.h"
#include "base/str.h"
#include "conf/protect.h"
#include "node/acting.h"
#include "node/inside.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/world.h"
#include "talk/reply.h"
#include "talk/server.h"

static void verb_ping(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)arg, (void)argc, (void)argv;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "pong"));
}

static void verb_reload(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	struct node *node = arg;
	struct why why = {""};
	if (node->options.reload(node->options.arg, &why) != 0)
		talk_reply_refuse(ret_reply, TALK_FAILED, "%s", why.text);
	else
		talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "reload"));
}

static void verb_stop(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	struct node *node = arg;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "stop"));
	node->options.stop(node->options.arg);
}

static const struct talk_verb verbs[] = {
	{"status", "", 0, "what runs here, and how the host is doing", node_status},
	{"metrics", "[FROM]", 1, "the newest value of every series, from number FROM on",
		node_metrics},
	{"jobs", "[RESOURCE [BELOW]]", 2, "the newest jobs, of one resource or all", node_jobs},
	{"why", "RESOURCE|JOB", 1, "what is wanted of it now, or was then, and why", node_why},
	{"now", "RESOURCE", 1, "makes a point of it now, whatever that costs", node_now},
	{"cancel", "RESOURCE", 1, "ends the job of it that runs", node_cancel},
	{"ping", "", 0, "answers pong", verb_ping},
	{"reload", "", 0, "reads the configuration anew; a bad one changes nothing", verb_reload},
	{"stop", "", 0, "ends the program in order", verb_stop},
};

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
	watching_adopt(node, config->watched);
	state_config(&node->state, config->hash);
	node_check_state(node);
}

static int listen_for_verbs(struct node *node, struct why *why)
{
	struct listener *listener;
	int err = net_listen(node->world->net, node->options.address, &listener, why);
	if (err)
		return err;
	struct talk_options options = {
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(*verbs),
		.arg = node,
		.uid = node->options.uid,
	};
	err = talk_server_open(node->world, listener, &options, &node->server);
	return err ? why_set(why, err, "out of memory") : 0;
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
		err = listen_for_verbs(node, why);
		if (err)
			state_close(&node->state, NULL);
	}
	if (err) {
		free(node);
		return err;
	}
	node->conf = *config->conf;
	err = acting_begin(node);
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
	acting_end(node);
	learning_end(node);
	watching_end(node);
	past_close(&node->past);
	int err = state_close(&node->state, why);
	free(node);
	return err;
}
