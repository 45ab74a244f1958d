/* SPDX-License-Identifier: Apache-2.0 */
/* One question to ebbd, one answer. */
#include "ebb/daemon.h"

#include <stdio.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/ask.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"
#include "talk/client.h"

struct asking {
	const char *socket;
	struct world *world;
	json_t *answer;
	int code;
	bool quiet;
};

static void on_answer(void *arg, const struct talk_answer *answer)
{
	struct asking *asking = arg;
	struct why why;
	loop_stop(asking->world->loop);
	asking->code = ask_code(answer, "ebbd", asking->socket, &why);
	if (asking->code) {
		if (!asking->quiet)
			call_fail(asking->code, "%s", why.text);
		return;
	}
	asking->answer = json_copy(answer->reply->doc);
	json_object_del(asking->answer, "ok");
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
		return asking->quiet ? EXIT_FAILED : call_fail(EXIT_FAILED, "%s", why.text);
	linux_run(lw);
	return asking->code;
}

static int find_and_ask(const struct call *call, bool quiet, const char *const *words, size_t count,
	json_t **ret_answer)
{
	OWN(config_done) struct config config = {0};
	struct config_source source;
	int code = config_choose(call, &source);
	if (!code)
		code = config_read(&source, &config);
	if (code)
		return code;
	struct asking asking = {.socket = config.conf.control_socket, .quiet = quiet};
	code = ask(&asking, words, count);
	if (!code)
		*ret_answer = asking.answer;
	return code;
}

int daemon_ask(const struct call *call, const char *const *words, size_t count, json_t **ret_answer)
{
	return find_and_ask(call, false, words, count, ret_answer);
}

int daemon_look(
	const struct call *call, const char *const *words, size_t count, json_t **ret_answer)
{
	return find_and_ask(call, true, words, count, ret_answer);
}
