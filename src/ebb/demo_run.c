/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting, other commands, and telling. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/container.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "ebb/call.h"
#include "ebb/demo.h"
#include "ebb/exit.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/linux/textfile.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/procs.h"
#include "os/world.h"

enum { WORDS_MAX = 16, ANSWER_MAX = 1 << 20 };

static int64_t now_ns(const struct demo *demo)
{
	return clock_mono_ns(demo->session.world->clock);
}

static void on_time(struct timer *timer)
{
	struct demo *demo = container_of(timer, struct demo, timer);
	loop_stop(demo->session.world->loop);
}

bool demo_wait(struct demo *demo, int64_t ns)
{
	struct loop *loop = demo->session.world->loop;
	int64_t until_ns = now_ns(demo) + ns;
	demo->timer.fn = on_time;
	/* Others stop the loop for what they have to tell. */
	while (!demo->session.stopping && now_ns(demo) < until_ns) {
		timer_set(loop, &demo->timer, until_ns);
		linux_run(demo->session.lw);
	}
	timer_cancel(loop, &demo->timer);
	return !demo->session.stopping;
}

/* ---- other commands ---- */

static void on_end(struct proc *proc, int status)
{
	struct demo *demo = proc->arg;
	proc_close(TAKE(demo->proc));
	demo->status = status;
	loop_stop(demo->session.world->loop);
}

static int start(
	struct demo *demo, const char *const *words, const char *output, const char *errors)
{
	const char *argv[WORDS_MAX + 2] = {"ebb"};
	size_t count = 1;
	struct why why;
	for (; *words && count < WORDS_MAX; words++)
		argv[count++] = *words;
	const struct proc_spec spec = {.program = "/proc/self/exe",
		.argv = argv,
		.env = demo->session.environment,
		.apart = true,
		.output = output,
		.errors = errors};
	if (procs_start(demo->session.world->procs, &spec, &demo->proc, &why))
		return call_fail(-1, "%s", why.text);
	demo->proc->on_exit = on_end;
	demo->proc->arg = demo;
	return 0;
}

/* The last line is the answer; those before it are what it had to tell on the way. */
static void read_answer(const char *path, json_t **ret_answer)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	*ret_answer = NULL;
	if (textfile_read(path, ANSWER_MAX, &text, &len, NULL))
		return;
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	const char *line = strrchr(text, '\n');
	*ret_answer = json_loads(line ? line + 1 : text, 0, NULL);
}

static void read_trouble(struct demo *demo, const char *path)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	demo->said[0] = '\0';
	if (textfile_read(path, ANSWER_MAX, &text, &len, NULL) == 0)
		snprintf(demo->said, sizeof(demo->said), "%.*s", (int)strcspn(text, "\n"), text);
}

int demo_run(struct demo *demo, const char *const *words, json_t **ret_answer)
{
	char output[CONF_PATH_MAX + 16], errors[CONF_PATH_MAX + 16];
	int64_t began_ns = now_ns(demo);
	*ret_answer = NULL;
	snprintf(output, sizeof(output), "%s/said.out", demo->state);
	snprintf(errors, sizeof(errors), "%s/said.err", demo->state);
	disk_unlink(demo->session.world->disk, "said.out");
	disk_unlink(demo->session.world->disk, "said.err");
	if (demo->session.stopping || start(demo, words, output, errors))
		return -1;
	while (demo->proc) {
		if (demo->session.stopping)
			proc_signal(demo->proc, SIGTERM);
		linux_run(demo->session.lw);
	}
	demo->took_s = (double)(now_ns(demo) - began_ns) / (double)NS_PER_SEC;
	if (demo->session.stopping)
		return -1;
	read_answer(output, ret_answer);
	read_trouble(demo, errors);
	return WIFEXITED(demo->status) ? WEXITSTATUS(demo->status) : 128 + WTERMSIG(demo->status);
}

int demo_must(struct demo *demo, const char *const *words, json_t **ret_answer)
{
	OWN(str_done) struct str line = {0};
	int code = demo_run(demo, words, ret_answer);
	if (code == EXIT_OK && *ret_answer)
		return EXIT_OK;
	if (code < 0)
		return demo->session.stopping ? demo->session.code : EXIT_FAILED;
	for (; *words; words++)
		str_addf(&line, " %s", *words);
	call_fail(0, "`ebb%s` ended with code %d: %s", str_text(&line), code, demo->said);
	return EXIT_FAILED;
}

/* ---- telling ---- */

void demo_say(struct demo *demo, const char *event, json_t *facts, const char *fmt, ...)
{
	OWN(str_done) struct str text = {0};
	char sentence[2048];
	va_list args;
	if (demo->json) {
		json_t *document = json_pack("{s:s,s:s}", "type", "demo", "event", event);
		if (document && facts)
			json_object_update(document, facts);
		json_decref(facts);
		call_print_json(document);
		return;
	}
	json_decref(facts);
	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	str_add(&text, sentence);
	call_print(&text);
}
