/* SPDX-License-Identifier: Apache-2.0 */
/* How the node is: one question over the control socket, and its answer shown. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/ask.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "ebb/metrics_text.h"
#include "ebb/status_text.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"
#include "talk/client.h"

struct asking {
	const struct call *call;
	const char *socket;
	struct world *world;
	json_t *metrics; /* rows of all answers so far; NULL: it is about the status */
	json_int_t next; /* where to go on; 0: that was all */
	int code;
};

/* The document without what belongs to the conversation. */
static int print_json(json_t *reply)
{
	json_t *document = json_copy(reply);
	json_object_del(document, "ok");
	return call_print_json(document);
}

static void on_answer(void *arg, const struct talk_answer *answer)
{
	struct asking *asking = arg;
	struct why why;
	OWN(str_done) struct str text = {0};
	loop_stop(asking->world->loop);
	asking->code = ask_code(answer, "ebbd", asking->socket, &why);
	if (asking->code) {
		call_fail(asking->code, "%s", why.text);
		return;
	}
	if (asking->metrics) {
		json_array_extend(asking->metrics, json_object_get(answer->reply->doc, "metrics"));
		asking->next = json_integer_value(json_object_get(answer->reply->doc, "next"));
		return;
	}
	if (args_given(&asking->call->args, OPTION_JSON)) {
		asking->code = print_json(answer->reply->doc);
		return;
	}
	status_text(answer->reply->doc, asking->call->color, &text);
	asking->code = call_print(&text);
}

static void world_close_own(struct linux_world **lw)
{
	linux_world_close(*lw);
}

static int ask(struct asking *asking, const char *const *words, size_t count)
{
	OWN(world_close_own) struct linux_world *lw = NULL;
	struct why why;
	struct talk_ask *ask;
	char address[CONF_SOCKET_MAX + sizeof("unix:")];
	/* Rooted where nothing is made: a question leaves no trace. */
	if (linux_world_open("/", &(struct linux_options){.workers = 1}, &lw, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	asking->world = linux_world(lw);
	asking->code = EXIT_FAILED;
	snprintf(address, sizeof(address), "unix:%s", asking->socket);
	const struct talk_question question = {.address = address,
		.words = words,
		.word_count = count,
		.timeout_ns = ASK_TIMEOUT_NS,
		.on_answer = on_answer,
		.arg = asking};
	if (talk_ask(asking->world, &question, &ask, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	linux_run(lw);
	return asking->code;
}

/* All that is measured, piece by piece, as Prometheus reads it. */
static int print_metrics(struct asking *asking)
{
	OWN(str_done) struct str text = {0};
	char from[24] = "0";
	const char *const words[] = {"metrics", from};
	asking->metrics = json_array();
	int code;
	do {
		snprintf(from, sizeof(from), "%lld", (long long)asking->next);
		code = ask(asking, words, 2);
	} while (!code && asking->next);
	if (!code)
		metrics_text(asking->metrics, &text);
	json_decref(asking->metrics);
	return code ? code : call_print(&text);
}

int call_status(const struct call *call)
{
	static const char *const words[] = {"status"};
	OWN(config_done) struct config config = {0};
	struct config_source source;
	int code = config_choose(call, &source);
	if (!code)
		code = config_read(&source, &config);
	if (code)
		return code;
	struct asking asking = {.call = call, .socket = config.conf.control_socket};
	if (!args_given(&call->args, OPTION_PROMETHEUS))
		return ask(&asking, words, 1);
	if (args_given(&call->args, OPTION_JSON))
		return call_fail(EXIT_USAGE, "--json or --prometheus, not both");
	return print_metrics(&asking);
}
