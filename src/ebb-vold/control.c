/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of ebb-vold. */
#include "ebb-vold/control.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/units.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/net.h"
#include "os/world.h"
#include "talk/reply.h"
#include "talk/server.h"

struct control {
	struct world *world;
	struct talk_server *server;
	int64_t started_mono_ns, started_wall_ns;
};

static void verb_status(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	const struct control *control = arg;
	char started[UNITS_TEXT];
	units_show_time(control->started_wall_ns, started);
	int64_t up_ns = clock_mono_ns(control->world->clock) - control->started_mono_ns;
	talk_reply_ok(ret_reply,
		json_pack("{s:s,s:s,s:s,s:f,s:[]}", "type", "vold-status", "version", EBB_VERSION,
			"started", started, "uptime", (double)up_ns / (double)NS_PER_SEC,
			"volumes"));
}

static void verb_ping(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)arg, (void)argc, (void)argv;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "pong"));
}

static void verb_stop(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	const struct control *control = arg;
	talk_reply_ok(ret_reply, json_pack("{s:s}", "type", "stop"));
	loop_stop(control->world->loop);
}

static const struct talk_verb verbs[] = {
	{"status", "", 0, "which volumes are served, and how they are doing", verb_status},
	{"ping", "", 0, "answers pong", verb_ping},
	{"stop", "", 0, "ends the program in order", verb_stop},
};

int control_open(
	struct world *world, struct listener *listener, uint32_t uid, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	if (!control) {
		listener_close(listener);
		return -ENOMEM;
	}
	control->world = world;
	control->started_mono_ns = clock_mono_ns(world->clock);
	control->started_wall_ns = clock_wall_ns(world->clock);
	struct talk_options options = {
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(*verbs),
		.arg = control,
		.uid = uid,
	};
	int err = talk_server_open(world, listener, &options, &control->server);
	if (err) {
		free(control);
		return err;
	}
	*ret_control = control;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	talk_server_close(control->server);
	free(control);
}
