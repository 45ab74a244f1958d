/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session in the foreground. ebb-vold is started first and ended last, so that ebbd never finds
 * the data path missing.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "ebb/call.h"
#include "ebb/child.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "ebb/status_text.h"
#include "os/linux/signals.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"

enum { VOLD, BRAIN, CHILDREN, SESSIONS_MAX = 9999 };

struct run {
	const struct call *call;
	struct config_source source;
	struct config config;
	struct linux_world *lw;
	struct world *world; /* that of lw */
	struct signals *signals;
	const char **environment;
	struct child children[CHILDREN];
	bool told;     /* that all is up */
	bool stopping; /* in order; a second signal makes it at once */
	int code;
};

static bool is_json(const struct run *run)
{
	return args_given(&run->call->args, OPTION_JSON);
}

/* An event of the session; `program` may be NULL. */
static void say(const struct run *run, const char *event, const char *program, const char *sentence)
{
	OWN(str_done) struct str text = {0};
	if (is_json(run)) {
		call_print_json(json_pack("{s:s,s:s,s:s*,s:s}", "type", "run", "event", event,
			"program", program, "text", sentence));
		return;
	}
	str_addf(&text, "%s\n", sentence);
	call_print(&text);
}

static void stop_in_order(struct run *run, int code)
{
	if (!run->stopping) {
		run->stopping = true;
		run->code = code;
	}
	for (int i = CHILDREN - 1; i >= 0; i--) {
		child_stop(&run->children[i]);
		if (run->children[i].state != CHILD_DOWN)
			return;
	}
	loop_stop(run->world->loop);
}

static void add_next_steps(const struct run *run, struct str *text)
{
	const char *state = run->config.conf.state;
	str_addf(text,
		"\nin another terminal:\n"
		"  ebb status --state '%s'\n"
		"  ebb config show --state '%s'\n"
		"  ebb help\n"
		"Ctrl-C ends both; `ebb run --state '%s'` goes on with what is there.\n",
		state, state, state);
}

static json_t *json_of_child(const struct child *child)
{
	return json_pack("{s:s,s:i,s:s}", "name", child->name, "pid", child->pid, "socket",
		child->address + strlen("unix:"));
}

/* Everything answers for the first time. */
static void tell_up(struct run *run)
{
	const struct child *vold = &run->children[VOLD], *brain = &run->children[BRAIN];
	OWN(str_done) struct str text = {0};
	run->told = true;
	if (is_json(run)) {
		call_print_json(json_pack("{s:s,s:s,s:s,s:[o,o]}", "type", "run", "event", "up",
			"state", run->config.conf.state, "programs", json_of_child(vold),
			json_of_child(brain)));
		json_t *status = json_copy(brain->answer);
		json_object_del(status, "ok");
		call_print_json(status);
	} else {
		for (size_t i = 0; i < CHILDREN; i++)
			str_addf(&text, "%-8s  pid %d, answers at %s\n", run->children[i].name,
				run->children[i].pid, run->children[i].address + strlen("unix:"));
		str_add(&text, "\n");
		status_text(brain->answer, run->call->color, &text);
		if (!args_given(&run->call->args, OPTION_EXIT))
			add_next_steps(run, &text);
		call_print(&text);
	}
	if (args_given(&run->call->args, OPTION_EXIT))
		stop_in_order(run, EXIT_OK);
}

static void on_failed(struct run *run, struct child *child)
{
	char text[500];
	if (run->stopping)
		return;
	if (child->exit_code == EXIT_LOCKED)
		snprintf(text, sizeof(text),
			"another %s runs on that folder: `ebb status --state '%s'` asks it, "
			"another "
			"--state starts one beside it",
			child->name, run->config.conf.state);
	else
		snprintf(text, sizeof(text), "%s%s", child->why.text,
			child->pid ? "; what it wrote above says why" : "");
	call_fail(0, "%s", text);
	stop_in_order(run, child->exit_code == EXIT_LOCKED ? EXIT_LOCKED : EXIT_FAILED);
}

static void on_change(struct child *child)
{
	struct run *run = child->arg;
	char text[500], rest[UNITS_TEXT];
	switch (child->state) {
	case CHILD_UP:
		if (run->told) {
			snprintf(text, sizeof(text), "%s is up again, pid %d", child->name,
				child->pid);
			say(run, "up-again", child->name, text);
		} else if (run->children[VOLD].state == CHILD_UP &&
			run->children[BRAIN].state == CHILD_UP && !run->stopping) {
			tell_up(run);
		}
		break;
	case CHILD_RESTING:
		snprintf(text, sizeof(text), "%s; it is started again in %s", child->why.text,
			units_show_duration(child->rest_ns, rest));
		say(run, "died", child->name, text);
		break;
	case CHILD_FAILED:
		on_failed(run, child);
		break;
	case CHILD_DOWN:
		if (run->stopping)
			stop_in_order(run, run->code);
		break;
	case CHILD_LOOKING:
	case CHILD_STARTING:
	case CHILD_STOPPING:
		break;
	}
}

static void on_signal(void *arg, int signal)
{
	struct run *run = arg;
	if (signal == SIGUSR1)
		return;
	if (!run->stopping) {
		say(run, "ending", NULL, "ending ebbd, then ebb-vold; again to end them at once");
		stop_in_order(run, EXIT_OK);
		return;
	}
	run->code = signal == SIGTERM ? EXIT_TERMINATED : EXIT_INTERRUPTED;
	for (size_t i = 0; i < CHILDREN; i++)
		child_kill(&run->children[i]);
}

/* A new folder run-N for a session that names none. */
static int make_state(struct run *run)
{
	const char *home = run->call->state_home;
	char *state = run->source.state;
	if (!*home)
		return call_fail(EXIT_FAILED,
			"neither XDG_STATE_HOME nor HOME is set: name a state "
			"folder with --state");
	int err = folders_make(home);
	for (int i = 1; !err && i <= SESSIONS_MAX; i++) {
		int len = snprintf(state, sizeof(run->source.state), "%s/run-%d", home, i);
		if (len >= (int)sizeof(run->source.state))
			err = -ENAMETOOLONG;
		else if (mkdir(state, 0700) == 0)
			return EXIT_OK;
		else if (errno != EEXIST)
			err = -errno;
	}
	return call_fail(EXIT_FAILED, "%s: no new folder for the state of this session: %s", home,
		err ? strerrordesc_np(-err) : "there are too many");
}

/* The configuration of the session; one that nobody named is empty, whatever /etc says. */
static int choose_config(struct run *run)
{
	int code = config_choose(run->call, &run->source);
	if (code)
		return code;
	if (run->source.optional)
		run->source.path = "/dev/null";
	run->source.optional = false;
	code = config_read(&run->source, &run->config);
	if (code || run->config.conf.from[CONF_STATE].from != CONF_FROM_DEFAULT)
		return code;
	code = make_state(run);
	if (code)
		return code;
	config_done(&run->config);
	return config_read(&run->source, &run->config);
}

static bool is_there(struct child *child, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool is_there(struct child *child, const char *fmt, ...)
{
	struct stat about;
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(child->program, sizeof(child->program), fmt, args);
	va_end(args);
	return len < (int)sizeof(child->program) && stat(child->program, &about) == 0 &&
		S_ISREG(about.st_mode) && access(child->program, X_OK) == 0;
}

/* Beside us, where helpers are installed, or where the build leaves them. */
static int find_program(const struct run *run, struct child *child)
{
	const char *folder = run->call->program_folder, *name = child->name;
	if (is_there(child, "%s/%s", folder, name) ||
		is_there(child, "%s/../libexec/ebb/%s", folder, name) ||
		is_there(child, "%s/../%s/%s", folder, name, name))
		return EXIT_OK;
	return call_fail(EXIT_FAILED, "%s is not there: neither in %s nor in %s/../libexec/ebb",
		name, folder, folder);
}

/* Ours, without what a service manager meant for us alone. */
static int choose_environment(struct run *run)
{
	static const char *const ours[] = {
		"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_PID=", "LISTEN_FDS="};
	size_t count = 0, kept = 0;
	while (run->call->environment[count])
		count++;
	run->environment = calloc(count + 1, sizeof(*run->environment));
	if (!run->environment)
		return call_fail(EXIT_FAILED, "no memory");
	for (size_t i = 0; i < count; i++) {
		bool is_ours = false;
		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			is_ours = is_ours || str_starts(run->call->environment[i], ours[j]);
		if (!is_ours)
			run->environment[kept++] = run->call->environment[i];
	}
	return EXIT_OK;
}

static int prepare_child(struct run *run, struct child *child, const char *name, const char *socket)
{
	child->world = run->world;
	child->name = name;
	child->environment = run->environment;
	child->on_change = on_change;
	child->arg = run;
	snprintf(child->address, sizeof(child->address), "unix:%s", socket);
	return find_program(run, child);
}

static int prepare(struct run *run)
{
	const struct conf *conf = &run->config.conf;
	struct child *vold = &run->children[VOLD], *brain = &run->children[BRAIN];
	struct why why;
	if (linux_world_open(conf->state, &(struct linux_options){.workers = 1}, &run->lw, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	run->world = linux_world(run->lw);
	if (signals_open(run->world->loop, on_signal, run, &run->signals, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	int code = choose_environment(run);
	if (!code)
		code = prepare_child(run, vold, "ebb-vold", conf->vold_socket);
	if (!code)
		code = prepare_child(run, brain, "ebbd", conf->control_socket);
	if (code)
		return code;
	const char *const vold_words[] = {"--state", conf->state, "--socket", conf->vold_socket};
	const char *const brain_words[] = {"--state", conf->state, "--config", run->source.path};
	memcpy(vold->words + 1, vold_words, sizeof(vold_words));
	memcpy(brain->words + 1, brain_words, sizeof(brain_words));
	return EXIT_OK;
}

static void start_all(struct run *run)
{
	char text[CONF_PATH_MAX + 64];
	snprintf(text, sizeof(text), "starting ebb-vold and ebbd in %s", run->config.conf.state);
	say(run, "starting", NULL, text);
	for (size_t i = 0; i < CHILDREN && !run->stopping; i++)
		child_start(&run->children[i]);
}

static void run_done(struct run *run)
{
	for (size_t i = 0; i < CHILDREN; i++)
		child_done(&run->children[i]);
	signals_close(run->signals);
	linux_world_close(run->lw);
	free(run->environment);
	config_done(&run->config);
}

int call_run(const struct call *call)
{
	OWN(run_done) struct run run = {.call = call};
	int code = choose_config(&run);
	if (!code)
		code = prepare(&run);
	if (code)
		return code;
	start_all(&run);
	linux_run(run.lw);
	if (run.told)
		say(&run, "ended", NULL, "ended");
	return run.code;
}
