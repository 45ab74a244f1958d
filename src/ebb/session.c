/* SPDX-License-Identifier: Apache-2.0 */
/* Two children, what they are told at the end, and the signals that mean it. */
#include "ebb/session.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/units.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/folders.h"
#include "os/linux/signals.h"
#include "os/linux/world.h"
#include "os/loop.h"
#include "os/world.h"

enum { SESSIONS_MAX = 9999 };

int session_make_state(const struct call *call, const char *name, char state[CONF_PATH_MAX + 1])
{
	const char *home = call->state_home;
	if (!*home)
		return call_fail(EXIT_FAILED,
			"neither XDG_STATE_HOME nor HOME is set: name a state "
			"folder with --state");
	int err = folders_make(home);
	for (int i = 1; !err && i <= SESSIONS_MAX; i++) {
		int len = snprintf(state, CONF_PATH_MAX + 1, "%s/%s-%d", home, name, i);
		if (len > CONF_PATH_MAX)
			err = -ENAMETOOLONG;
		else if (mkdir(state, 0700) == 0)
			return EXIT_OK;
		else if (errno != EEXIST)
			err = -errno;
	}
	return call_fail(EXIT_FAILED, "%s: no new folder for the state of this session: %s", home,
		err ? strerrordesc_np(-err) : "there are too many");
}

/* ---- the end ---- */

bool session_is_down(const struct session *session)
{
	for (size_t i = 0; i < SESSION_CHILDREN; i++)
		if (session->children[i].state != CHILD_DOWN)
			return false;
	return true;
}

void session_stop(struct session *session, int code)
{
	if (!session->stopping) {
		session->stopping = true;
		session->code = code;
	}
	for (int i = SESSION_CHILDREN - 1; i >= 0; i--) {
		child_stop(&session->children[i]);
		if (session->children[i].state != CHILD_DOWN)
			return;
	}
	loop_stop(session->world->loop);
}

static void on_signal(void *arg, int signal)
{
	struct session *session = arg;
	if (signal == SIGUSR1)
		return;
	if (!session->stopping) {
		session->say(session, "ending", NULL,
			"ending ebbd, then ebb-vold; again to end them at once");
		session_stop(session, EXIT_OK);
		return;
	}
	session->code = signal == SIGTERM ? EXIT_TERMINATED : EXIT_INTERRUPTED;
	for (size_t i = 0; i < SESSION_CHILDREN; i++)
		child_kill(&session->children[i]);
}

/* ---- children ---- */

static void on_failed(struct session *session, struct child *child)
{
	char text[1200];
	if (session->stopping)
		return;
	if (child->exit_code == EXIT_LOCKED)
		snprintf(text, sizeof(text),
			"another %s runs on that folder: `ebb status --state '%s'` asks it, "
			"another "
			"--state starts one beside it",
			child->name, session->config.conf.state);
	else if (child->pid && child->log)
		snprintf(text, sizeof(text), "%s; %s says why", child->why.text, child->log);
	else
		snprintf(text, sizeof(text), "%s%s", child->why.text,
			child->pid ? "; what it wrote above says why" : "");
	call_fail(0, "%s", text);
	session_stop(session, child->exit_code == EXIT_LOCKED ? EXIT_LOCKED : EXIT_FAILED);
}

static void on_up(struct session *session, struct child *child)
{
	char text[120];
	if (session->told) {
		snprintf(text, sizeof(text), "%s is up again, pid %d", child->name, child->pid);
		session->say(session, "up-again", child->name, text);
	} else if (session->children[SESSION_VOLD].state == CHILD_UP &&
		session->children[SESSION_BRAIN].state == CHILD_UP && !session->stopping) {
		session->told = true;
		session->on_up(session);
	}
}

static void on_change(struct child *child)
{
	struct session *session = child->arg;
	char text[500], rest[UNITS_TEXT];
	switch (child->state) {
	case CHILD_UP:
		on_up(session, child);
		break;
	case CHILD_RESTING:
		snprintf(text, sizeof(text), "%s; it is started again in %s", child->why.text,
			units_show_duration(child->rest_ns, rest));
		session->say(session, "died", child->name, text);
		break;
	case CHILD_FAILED:
		on_failed(session, child);
		break;
	case CHILD_DOWN:
		if (session->stopping)
			session_stop(session, session->code);
		break;
	case CHILD_LOOKING:
	case CHILD_STARTING:
	case CHILD_STOPPING:
		break;
	}
}

/* ---- the begin ---- */

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
static int find_program(const struct call *call, struct child *child)
{
	const char *folder = call->program_folder, *name = child->name;
	if (is_there(child, "%s/%s", folder, name) ||
		is_there(child, "%s/../libexec/ebb/%s", folder, name) ||
		is_there(child, "%s/../%s/%s", folder, name, name))
		return EXIT_OK;
	return call_fail(EXIT_FAILED, "%s is not there: neither in %s nor in %s/../libexec/ebb",
		name, folder, folder);
}

static size_t count_of(const char *const *list)
{
	size_t count = 0;
	while (list && list[count])
		count++;
	return count;
}

/* Of what is set twice the first one counts. Without what a service manager meant for us alone. */
static int choose_environment(struct session *session, const char *const *more)
{
	static const char *const ours[] = {
		"NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_PID=", "LISTEN_FDS="};
	const char *const *theirs = session->call->environment;
	size_t kept = count_of(more), set = kept;
	session->environment = calloc(kept + count_of(theirs) + 1, sizeof(*session->environment));
	if (!session->environment)
		return call_fail(EXIT_FAILED, "no memory");
	for (size_t i = 0; i < set; i++)
		session->environment[i] = more[i];
	for (; *theirs; theirs++) {
		bool left_out = false;
		for (size_t j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			left_out = left_out || str_starts(*theirs, ours[j]);
		for (size_t j = 0; j < set; j++)
			left_out = left_out ||
				strncmp(*theirs, more[j], strcspn(more[j], "=") + 1) == 0;
		if (!left_out)
			session->environment[kept++] = *theirs;
	}
	return EXIT_OK;
}

static int prepare_child(
	struct session *session, struct child *child, const char *name, const char *socket)
{
	child->world = session->world;
	child->name = name;
	child->environment = session->environment;
	child->on_change = on_change;
	child->arg = session;
	snprintf(child->address, sizeof(child->address), "unix:%s", socket);
	return find_program(session->call, child);
}

int session_open(struct session *session, const char *const *more)
{
	const struct conf *conf = &session->config.conf;
	struct child *vold = &session->children[SESSION_VOLD];
	struct child *brain = &session->children[SESSION_BRAIN];
	struct why why;
	int err = folders_make(conf->state);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", conf->state, strerrordesc_np(-err));
	if (linux_world_open(
		    conf->state, &(struct linux_options){.workers = 1}, &session->lw, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	session->world = linux_world(session->lw);
	if (signals_open(session->world->loop, on_signal, session, &session->signals, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	int code = choose_environment(session, more);
	if (!code)
		code = prepare_child(session, vold, "ebb-vold", conf->vold_socket);
	if (!code)
		code = prepare_child(session, brain, "ebbd", conf->control_socket);
	if (code)
		return code;
	const char *const vold_words[] = {"--state", conf->state, "--socket", conf->vold_socket};
	const char *const brain_words[] = {
		"--state", conf->state, "--config", session->source.path};
	memcpy(vold->words + 1, vold_words, sizeof(vold_words));
	memcpy(brain->words + 1, brain_words, sizeof(brain_words));
	return EXIT_OK;
}

void session_start(struct session *session)
{
	for (size_t i = 0; i < SESSION_CHILDREN && !session->stopping; i++)
		child_start(&session->children[i]);
}

void session_done(struct session *session)
{
	for (size_t i = 0; i < SESSION_CHILDREN; i++)
		child_done(&session->children[i]);
	signals_close(session->signals);
	linux_world_close(session->lw);
	free(session->environment);
	config_done(&session->config);
}
