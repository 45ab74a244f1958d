/* SPDX-License-Identifier: Apache-2.0 */
/* A session in the foreground. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "ebb/session.h"
#include "ebb/status_text.h"
#include "os/linux/world.h"

static bool is_json(const struct session *session)
{
	return args_given(&session->call->args, OPTION_JSON);
}

static void say(
	struct session *session, const char *event, const char *program, const char *sentence)
{
	OWN(str_done) struct str text = {0};
	if (is_json(session)) {
		call_print_json(json_pack("{s:s,s:s,s:s*,s:s}", "type", "run", "event", event,
			"program", program, "text", sentence));
		return;
	}
	str_addf(&text, "%s\n", sentence);
	call_print(&text);
}

static void add_next_steps(const struct session *session, struct str *text)
{
	const char *state = session->config.conf.state;
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

static void tell_up(struct session *session)
{
	const struct child *vold = &session->children[SESSION_VOLD];
	const struct child *brain = &session->children[SESSION_BRAIN];
	OWN(str_done) struct str text = {0};
	if (is_json(session)) {
		call_print_json(json_pack("{s:s,s:s,s:s,s:[o,o]}", "type", "run", "event", "up",
			"state", session->config.conf.state, "programs", json_of_child(vold),
			json_of_child(brain)));
		json_t *status = json_copy(brain->answer);
		json_object_del(status, "ok");
		call_print_json(status);
	} else {
		for (size_t i = 0; i < SESSION_CHILDREN; i++)
			str_addf(&text, "%-8s  pid %d, answers at %s\n", session->children[i].name,
				session->children[i].pid,
				session->children[i].address + strlen("unix:"));
		str_add(&text, "\n");
		status_text(brain->answer, session->call->color, &text);
		if (!args_given(&session->call->args, OPTION_EXIT))
			add_next_steps(session, &text);
		call_print(&text);
	}
	if (args_given(&session->call->args, OPTION_EXIT))
		session_stop(session, EXIT_OK);
}

/* The configuration of the session; one that nobody named is empty, whatever /etc says. */
static int choose_config(struct session *session)
{
	int code = config_choose(session->call, &session->source);
	if (code)
		return code;
	if (session->source.optional)
		session->source.path = "/dev/null";
	session->source.optional = false;
	code = config_read(&session->source, &session->config);
	if (code || session->config.conf.from[CONF_STATE].from != CONF_FROM_DEFAULT)
		return code;
	code = session_make_state(session->call, "run", session->source.state);
	if (code)
		return code;
	config_done(&session->config);
	return config_read(&session->source, &session->config);
}

int call_run(const struct call *call)
{
	OWN(session_done) struct session session = {.call = call, .say = say, .on_up = tell_up};
	char text[CONF_PATH_MAX + 64];
	int code = choose_config(&session);
	if (!code)
		code = session_open(&session, NULL);
	if (code)
		return code;
	snprintf(text, sizeof(text), "starting ebb-vold and ebbd in %s", session.config.conf.state);
	say(&session, "starting", NULL, text);
	session_start(&session);
	linux_run(session.lw);
	if (session.told)
		say(&session, "ended", NULL, "ended");
	return session.code;
}
