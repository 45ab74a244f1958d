/* SPDX-License-Identifier: Apache-2.0 */
/* Three ways out. Success is what the other side says: 2xx, or the exit code 0. */
#include "notify/send.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/vec.h"
#include "base/why.h"
#include "conf/notify.h"
#include "os/http.h"
#include "os/programs.h"

#define PATIENCE_NS (20 * NS_PER_SEC)
#define PROGRAM_NS (40 * NS_PER_SEC)

enum { SAID = 200, ANSWER = 64 << 10 };

/* What a document says, each at least "". */
struct said {
	json_t *json;
	const char *event, *state, *resource, *node, *since, *text;
};

static void said_done(struct said *said)
{
	json_decref(said->json);
}

static const char *member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text ? text : "";
}

static int read_document(const char *document, struct said *ret, struct why *why)
{
	json_t *json = json_loads(document, 0, NULL);
	*ret = (struct said){.json = json,
		.event = member(json, "event"),
		.state = member(json, "state"),
		.resource = member(json, "resource"),
		.node = member(json, "node"),
		.since = member(json, "since"),
		.text = member(json, "text")};
	if (*ret->event && *ret->text)
		return 0;
	return why_set(why, -EINVAL, "that is no notice: a JSON object with event and text is");
}

static int post(const struct send_by *by, const struct conf_notify *to, const char *document,
	struct why *why)
{
	OWN(str_done) struct str bearer = {0};
	OWN(http_answer_done) struct http_answer answer = {0};
	if (by->token)
		str_addf(&bearer, "Bearer %s", by->token);
	if (str_error(&bearer))
		return why_set(why, -ENOMEM, "no memory");
	const struct http_header headers[] = {
		{"Content-Type", "application/json"}, {"Authorization", str_text(&bearer)}};
	const struct http_request request = {.method = "POST",
		.url = to->webhook,
		.headers = headers,
		.header_count = by->token ? 2 : 1,
		.body = document,
		.body_len = strlen(document),
		.limit = ANSWER,
		.stall_ns = PATIENCE_NS};
	int err = http_call(by->http, &request, &answer, why);
	if (!err && (answer.status < 200 || answer.status > 299))
		err = why_set(why, -EPROTO, "%s answered %d", to->webhook, answer.status);
	return err;
}

static int run(const struct send_by *by, const struct program_spec *spec, struct why *why)
{
	OWN(program_close_own) struct program *program = NULL;
	int status, err = program_start(by->programs, spec, &program, why);
	if (err)
		return err;
	err = program_wait(program, PROGRAM_NS, &status);
	if (err)
		return why_errno(why, err, "%s: not done, and ended", spec->argv[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return WIFEXITED(status)
		? why_set(why, -ECHILD, "%s ended with code %d", spec->argv[0], WEXITSTATUS(status))
		: why_set(why, -ECHILD, "%s was ended by signal %d", spec->argv[0],
			  WTERMSIG(status));
}

/* Headers are ASCII, on one line. */
static void add_plain(struct str *mail, const char *text)
{
	for (size_t i = 0; text[i] && i < SAID; i++)
		str_add_bytes(mail, text[i] >= ' ' && text[i] <= '~' ? &text[i] : "?", 1);
}

static void add_mail(struct str *mail, const char *to, const struct said *said)
{
	str_add(mail, "To: ");
	add_plain(mail, to);
	str_add(mail, "\nSubject: ebb: ");
	add_plain(mail, said->resource);
	str_add(mail, *said->resource ? ": " : "");
	add_plain(mail, said->event);
	str_add(mail, " ");
	add_plain(mail, said->state);
	str_addf(mail,
		"\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
		"%s\n\nNode:  %s\nSince: %s\n",
		said->text, said->node, said->since);
}

static int mail(const struct send_by *by, const struct conf_notify *to, const struct said *said,
	struct why *why)
{
	/* Addresses out of the headers, and a line with a lone dot is a line. */
	const char *const argv[] = {to->sendmail, "-t", "-i", NULL};
	OWN(str_done) struct str text = {0};
	add_mail(&text, to->mail, said);
	if (str_error(&text))
		return why_set(why, -ENOMEM, "no memory");
	const struct program_spec spec = {
		.argv = argv, .env = by->environment, .apart = true, .input = str_text(&text)};
	return run(by, &spec, why);
}

enum { NAMES = 4 };

static void names_done(struct str (*names)[NAMES])
{
	for (size_t i = 0; i < NAMES; i++)
		str_done(&(*names)[i]);
}

static int hand_over(const struct send_by *by, const struct conf_notify *to,
	const struct said *said, const char *document, struct why *why)
{
	const char *const argv[] = {to->exec, NULL};
	OWN(names_done) struct str names[NAMES] = {0};
	VEC(const char *) env = {0};
	int err = 0;
	str_addf(&names[0], "EBB_EVENT=%s", said->event);
	str_addf(&names[1], "EBB_STATE=%s", said->state);
	str_addf(&names[2], "EBB_RESOURCE=%s", said->resource);
	str_addf(&names[3], "EBB_TEXT=%s", said->text);
	for (size_t i = 0; !err && i < NAMES; i++)
		err = str_error(&names[i]) ? -ENOMEM : vec_push(&env, str_text(&names[i]));
	for (const char *const *at = by->environment; !err && *at; at++)
		err = vec_push(&env, *at);
	if (!err)
		err = vec_push(&env, NULL);
	const struct program_spec spec = {
		.argv = argv, .env = env.at, .apart = true, .input = document};
	err = err ? why_set(why, err, "no memory") : run(by, &spec, why);
	vec_done(&env);
	return err;
}

int notice_send(const struct send_by *by, const struct conf_notify *to, const char *document,
	struct why *why)
{
	OWN(said_done) struct said said = {0};
	int err = read_document(document, &said, why);
	if (err)
		return err;
	if (*to->webhook)
		return post(by, to, document, why);
	return *to->mail ? mail(by, to, &said, why) : hand_over(by, to, &said, document, why);
}
