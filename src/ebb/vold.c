/* SPDX-License-Identifier: Apache-2.0 */
/* A world of its own for the questions: its loop runs until each is answered. */
#include "ebb/vold.h"

#include <stdio.h>

#include "base/container.h"
#include "base/own.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/ask.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "os/clock.h"
#include "os/linux/world.h"
#include "os/world.h"
#include "talk/client.h"

#define POLL_NS (5 * NS_PER_MS)

void vold_done(struct vold *vold)
{
	json_decref(vold->answer);
	linux_world_close(vold->lw);
}

int vold_find(const struct call *call, struct vold *vold)
{
	OWN(config_done) struct config config = {0};
	struct why why;
	int code = config_find(call, &config);
	if (code)
		return code;
	snprintf(vold->state, sizeof(vold->state), "%s", config.conf.state);
	snprintf(vold->socket, sizeof(vold->socket), "%s/vold.sock", config.conf.state);
	/* Rooted where nothing is made: a question leaves no trace. */
	if (linux_world_open("/", &(struct linux_options){.workers = 1}, &vold->lw, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	vold->world = linux_world(vold->lw);
	return EXIT_OK;
}

static void on_answer(void *arg, const struct talk_answer *answer)
{
	struct vold *vold = arg;
	struct why why;
	loop_stop(vold->world->loop);
	vold->code = ask_code(answer, "ebb-vold", vold->socket, &why);
	if (vold->code && !vold->quiet)
		call_fail(vold->code, "%s", why.text);
	if (!vold->code)
		vold->answer = json_incref(answer->reply->doc);
}

int vold_ask(struct vold *vold, const char *const *words, size_t count)
{
	struct why why;
	struct talk_ask *ask;
	char address[sizeof(vold->socket) + sizeof("unix:")];
	snprintf(address, sizeof(address), "unix:%s", vold->socket);
	json_decref(TAKE(vold->answer));
	vold->code = EXIT_FAILED;
	const struct talk_question question = {.address = address,
		.words = words,
		.word_count = count,
		.timeout_ns = ASK_TIMEOUT_NS,
		.on_answer = on_answer,
		.arg = vold};
	if (talk_ask(vold->world, &question, &ask, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	linux_run(vold->lw);
	return vold->code;
}

static void on_timer(struct timer *timer)
{
	loop_stop(container_of(timer, struct vold, timer)->world->loop);
}

void vold_wait(struct vold *vold, int64_t ns)
{
	vold->timer.fn = on_timer;
	timer_set(vold->world->loop, &vold->timer, clock_mono_ns(vold->world->clock) + ns);
	linux_run(vold->lw);
}

int vold_act(struct vold *vold, const char *const *words, size_t count)
{
	char number[24];
	const char *const asking[] = {"act", number};
	int code = vold_ask(vold, words, count);
	if (code)
		return code;
	snprintf(number, sizeof(number), "%lld",
		(long long)json_integer_value(json_object_get(vold->answer, "number")));
	do {
		vold_wait(vold, POLL_NS);
		code = vold_ask(vold, asking, 2);
	} while (!code && !json_is_true(json_object_get(vold->answer, "done")));
	return code;
}
