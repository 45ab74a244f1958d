/* SPDX-License-Identifier: Apache-2.0 */
/* The control address: verbs to questions, documents to replies. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/str.h"
#include "node/document.h"
#include "node/inside.h"
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

/* ---- questions ---- */

static void answer(struct node *node, node_document_fn *document, const struct node_ask *ask,
	struct str *ret_reply)
{
	struct why why = {""};
	json_t *members = NULL;
	int err = document(node, ask, &members, &why);
	if (!err)
		talk_reply_ok(ret_reply, members);
	else
		talk_reply_refuse(ret_reply,
			err == -ENOENT           ? TALK_NONE
				: err == -EINVAL ? TALK_USAGE
						 : TALK_FAILED,
			"%s", why.text);
}

static void verb_status(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc, (void)argv;
	answer(arg, node_status, &(struct node_ask){0}, ret_reply);
}

static void verb_metrics(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct node_ask ask = {.from = argc > 1 ? strtoll(argv[1], NULL, 10) : 0};
	answer(arg, node_metrics, &ask, ret_reply);
}

static void verb_jobs(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	struct node_ask ask = {.name = argc > 1 && *argv[1] ? argv[1] : NULL};
	if (argc > 2) {
		char *end;
		ask.below = strtoll(argv[2], &end, 10);
		if (*end || ask.below < 0) {
			talk_reply_refuse(
				ret_reply, TALK_USAGE, "'%s' is no number of a job", argv[2]);
			return;
		}
	}
	answer(arg, node_jobs, &ask, ret_reply);
}

/* Those that are of one thing, which has to be named. */
static void answer_of(struct node *node, node_document_fn *document, const char *const *argv,
	struct str *ret_reply)
{
	answer(node, document, &(struct node_ask){.name = argv[1] ? argv[1] : ""}, ret_reply);
}

static void verb_why(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	answer_of(arg, node_why, argv, ret_reply);
}

static void verb_now(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	answer_of(arg, node_now, argv, ret_reply);
}

static void verb_cancel(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	answer_of(arg, node_cancel, argv, ret_reply);
}

static void verb_pause(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	answer_of(arg, node_pause, argv, ret_reply);
}

static void verb_resume(void *arg, size_t argc, const char *const *argv, struct str *ret_reply)
{
	(void)argc;
	answer_of(arg, node_resume, argv, ret_reply);
}

static const struct talk_verb verbs[] = {
	{"status", "", 0, "what runs here, and how the host is doing", verb_status},
	{"metrics", "[FROM]", 1, "the newest value of every series, from number FROM on",
		verb_metrics},
	{"jobs", "[RESOURCE [BELOW]]", 2, "the newest jobs, of one resource or all", verb_jobs},
	{"why", "RESOURCE|JOB", 1, "what is wanted of it now, or was then, and why", verb_why},
	{"now", "RESOURCE", 1, "makes a point of it now, whatever that costs", verb_now},
	{"cancel", "RESOURCE", 1, "ends the job of it that runs", verb_cancel},
	{"pause", "RESOURCE", 1, "no job of it runs until it is resumed", verb_pause},
	{"resume", "RESOURCE", 1, "its jobs run again", verb_resume},
	{"ping", "", 0, "answers pong", verb_ping},
	{"reload", "", 0, "reads the configuration anew; a bad one changes nothing", verb_reload},
	{"stop", "", 0, "ends the program in order", verb_stop},
};

int verbs_listen(struct node *node, struct why *why)
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
