/* SPDX-License-Identifier: Apache-2.0 */
/* The commands `notify ...`: by them ebbd tells people, and people try whether they are told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/config.h"
#include "ebb/exit.h"
#include "notify/send.h"
#include "os/clock.h"
#include "os/http.h"
#include "os/linux/clock.h"
#include "os/linux/http.h"
#include "os/linux/programs.h"
#include "os/linux/textfile.h"

enum { TOKEN_MAX = 4096 };

/* Gives its first line. */
static int read_token(const char *path, char **ret_token, struct why *why)
{
	OWN(own_free) char *text = NULL;
	size_t len;
	int err = textfile_read(path, TOKEN_MAX, &text, &len, why);
	if (err)
		return err;
	text[strcspn(text, "\r\n")] = '\0';
	for (const char *c = text; *c; c++)
		if (*c < '!' || *c > '~')
			return why_set(why, -EINVAL, "%s: its first line is no token", path);
	if (!*text)
		return why_set(why, -EINVAL, "%s: its first line is empty", path);
	*ret_token = TAKE(text);
	return 0;
}

static void http_done(struct linux_http **http)
{
	linux_http_close(*http);
}

static int send_one(const struct call *call, const struct conf_notify *to, const char *document)
{
	struct why why;
	OWN(own_free) char *token = NULL;
	OWN(http_done) struct linux_http *http = NULL;
	struct programs programs = linux_programs();
	int err = 0;
	if (*to->webhook)
		err = linux_http_open(&(struct linux_http_options){0}, &http, &why);
	if (!err && *to->token_file)
		err = read_token(to->token_file, &token, &why);
	const struct send_by by = {.http = http ? linux_http(http) : NULL,
		.programs = &programs,
		.environment = call->environment,
		.token = token};
	if (!err)
		err = notice_send(&by, to, document, &why);
	return err ? call_fail(EXIT_FAILED, "%s: %s", to->name, why.text) : EXIT_OK;
}

static int find(const struct config *config, const char *name, const struct conf_notify **ret)
{
	vec_each (entry, &config->notifies.list)
		if (strcmp(entry->name, name) == 0) {
			*ret = entry;
			return EXIT_OK;
		}
	return call_fail(
		EXIT_NO_OBJECT, "the configuration has no '%.63s' in its section notify", name);
}

int call_notify_send(const struct call *call)
{
	OWN(config_done) struct config config = {0};
	const struct conf_notify *to;
	if (call->args.operand_count != 2)
		return call_fail(EXIT_USAGE, "NAME and DOCUMENT are wanted; see `ebb help notify`");
	int code = config_find(call, &config);
	if (!code)
		code = find(&config, call->args.operands[0], &to);
	return code ? code : send_one(call, to, call->args.operands[1]);
}

static int test_one(const struct call *call, const struct config *config,
	const struct conf_notify *to, struct str *said)
{
	char now[UNITS_TEXT];
	struct clock clock;
	linux_clock_init(&clock);
	int64_t wall_ns = clock_wall_ns(&clock);
	OWN(str_done) struct str document = {0};
	str_addf(&document,
		"{\"type\":\"notice\",\"event\":\"test\",\"state\":\"begins\",\"resource\":\"\","
		"\"node\":\"%s\",\"since\":\"%s\",\"text\":\"This is a test: whoever reads it will "
		"be told by ebb.\"}",
		config->conf.node_name, units_show_time(wall_ns, now));
	if (str_error(&document))
		return call_fail(EXIT_FAILED, "no memory");
	int code = send_one(call, to, str_text(&document));
	if (!code)
		str_addf(said, "%s: taken\n", to->name);
	return code;
}

int call_notify_test(const struct call *call)
{
	OWN(config_done) struct config config = {0};
	OWN(str_done) struct str said = {0};
	const struct conf_notify *only = NULL;
	int code = config_find(call, &config);
	if (!code && call->args.operand_count)
		code = find(&config, call->args.operands[0], &only);
	if (code)
		return code;
	vec_each (entry, &config.notifies.list)
		if (!only || only == entry) {
			int one = test_one(call, &config, entry, &said);
			code = one ? one : code;
		}
	if (!config.notifies.list.len)
		return call_fail(
			EXIT_NO_OBJECT, "the configuration has no section notify: nobody is told");
	int printed = call_print(&said);
	return code ? code : printed;
}
