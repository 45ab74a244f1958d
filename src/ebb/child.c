/* SPDX-License-Identifier: Apache-2.0 */
/* The step machine of child.h; one timer serves whichever state waits for something. */
#include "ebb/child.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/container.h"
#include "base/must.h"
#include "base/units.h"
#include "ebb/exit.h"
#include "os/clock.h"
#include "os/procs.h"
#include "os/world.h"
#include "talk/client.h"

/* Silent for so long after its start, it will not answer any more. */
static const int64_t start_patience_ns = 30 * NS_PER_SEC;
static const int64_t ask_again_ns = 20 * NS_PER_MS;
static const int64_t look_patience_ns = 2 * NS_PER_SEC;
/* Longer than a daemon gives its own work to end; then it hangs. */
static const int64_t stop_patience_ns = 20 * NS_PER_SEC;
/* A rest doubles up to the most; who ran for the calm time begins anew with the least. */
static const int64_t rest_least_ns = NS_PER_SEC, rest_most_ns = 30 * NS_PER_SEC;
static const int64_t calm_ns = NS_PER_MIN;

static const char *const status_words[] = {"status"};

static int64_t now_ns(struct child *child)
{
	return clock_mono_ns(child->world->clock);
}

static void set_timer(struct child *child, int64_t in_ns)
{
	timer_set(child->world->loop, &child->timer, now_ns(child) + in_ns);
}

static void change(struct child *child, enum child_state state)
{
	child->state = state;
	child->on_change(child);
}

static void stop_asking(struct child *child)
{
	talk_cancel(child->ask);
	child->ask = NULL;
	timer_cancel(child->world->loop, &child->timer);
}

static void fail(struct child *child)
{
	stop_asking(child);
	child_kill(child);
	change(child, CHILD_FAILED);
}

static void on_answer(void *arg, const struct talk_answer *answer)
{
	struct child *child = arg;
	child->ask = NULL;
	if (answer->err || !answer->reply->ok) {
		set_timer(child, ask_again_ns);
		return;
	}
	json_decref(child->answer);
	child->answer = json_incref(answer->reply->doc);
	child->was_up = true;
	change(child, CHILD_UP);
}

static void ask_status(struct child *child)
{
	int64_t left_ns = child->started_ns + start_patience_ns - now_ns(child);
	const struct talk_question question = {.address = child->address,
		.words = status_words,
		.word_count = 1,
		.timeout_ns = left_ns,
		.on_answer = on_answer,
		.arg = child};
	if (left_ns <= 0) {
		child->exit_code = 0;
		why_set(&child->why, 0, "%s has not answered at %s since it was started",
			child->name, child->address);
		fail(child);
		return;
	}
	if (talk_ask(child->world, &question, &child->ask, NULL))
		set_timer(child, ask_again_ns);
}

/* How it ended, in words and as a shell would number it. */
static void read_end(struct child *child, int status)
{
	if (WIFSIGNALED(status)) {
		int signal = WTERMSIG(status);
		child->exit_code = 128 + signal;
		why_set(&child->why, 0, "%s was ended by SIG%s", child->name,
			sigabbrev_np(signal) ? sigabbrev_np(signal) : "?");
		return;
	}
	child->exit_code = WEXITSTATUS(status);
	why_set(&child->why, 0, "%s ended with code %d", child->name, child->exit_code);
}

static void rest(struct child *child)
{
	bool calm = now_ns(child) - child->started_ns >= calm_ns;
	child->rest_ns = calm || !child->rest_ns ? rest_least_ns : 2 * child->rest_ns;
	if (child->rest_ns > rest_most_ns)
		child->rest_ns = rest_most_ns;
	set_timer(child, child->rest_ns);
	change(child, CHILD_RESTING);
}

static void on_exit_of(struct proc *proc, int status)
{
	struct child *child = proc->arg;
	proc_close(child->proc);
	child->proc = NULL;
	stop_asking(child);
	if (child->state == CHILD_FAILED)
		return;
	read_end(child, status);
	if (child->state == CHILD_STOPPING)
		change(child, CHILD_DOWN);
	else if (child->was_up && child->exit_code != EXIT_LOCKED)
		rest(child);
	else
		change(child, CHILD_FAILED);
}

static void spawn(struct child *child)
{
	struct proc_spec spec = {.program = child->program,
		.argv = child->words,
		.env = child->environment,
		.apart = true,
		.output = child->log,
		.errors = child->log};
	child->started_ns = now_ns(child);
	child->exit_code = 0;
	if (procs_start(child->world->procs, &spec, &child->proc, &child->why)) {
		change(child, CHILD_FAILED);
		return;
	}
	child->proc->on_exit = on_exit_of;
	child->proc->arg = child;
	child->pid = proc_pid(child->proc);
	change(child, CHILD_STARTING);
	if (child->state == CHILD_STARTING)
		ask_status(child);
}

/* Whoever answers before ours was started is not ours, and would be taken for it. */
static void on_look(void *arg, const struct talk_answer *answer)
{
	struct child *child = arg;
	child->ask = NULL;
	if (answer->err == -ENOENT || answer->err == -ECONNREFUSED) {
		spawn(child);
		return;
	}
	child->exit_code = EXIT_LOCKED;
	change(child, CHILD_FAILED);
}

static void look(struct child *child)
{
	const struct talk_question question = {.address = child->address,
		.words = status_words,
		.word_count = 1,
		.timeout_ns = look_patience_ns,
		.on_answer = on_look,
		.arg = child};
	child->exit_code = 0;
	if (talk_ask(child->world, &question, &child->ask, &child->why))
		change(child, CHILD_FAILED);
}

static void on_time(struct timer *timer)
{
	struct child *child = container_of(timer, struct child, timer);
	switch (child->state) {
	case CHILD_STARTING:
		ask_status(child);
		break;
	case CHILD_RESTING:
		child->state = CHILD_LOOKING;
		look(child);
		break;
	case CHILD_STOPPING:
		child_kill(child);
		break;
	case CHILD_DOWN:
	case CHILD_LOOKING:
	case CHILD_UP:
	case CHILD_FAILED:
		break;
	}
}

void child_start(struct child *child)
{
	child->words[0] = child->name;
	child->timer.fn = on_time;
	child->state = CHILD_LOOKING;
	look(child);
}

void child_stop(struct child *child)
{
	if (child->state == CHILD_DOWN || child->state == CHILD_STOPPING)
		return;
	stop_asking(child);
	if (!child->proc) {
		change(child, CHILD_DOWN);
		return;
	}
	child->state = CHILD_STOPPING;
	proc_signal(child->proc, SIGTERM);
	set_timer(child, stop_patience_ns);
}

void child_kill(struct child *child)
{
	if (child->proc)
		proc_signal(child->proc, SIGKILL);
}

void child_done(struct child *child)
{
	must(!child->proc && !child->ask);
	json_decref(child->answer);
	child->answer = NULL;
}
