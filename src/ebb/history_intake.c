/* SPDX-License-Identifier: Apache-2.0 */
/* Files and servers that hold many series, into the store. */
#include "ebb/history_intake.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/remembered.h"
#include "foresee/influx.h"
#include "foresee/intake.h"
#include "foresee/server.h"
#include "foresee/sysstat.h"
#include "os/disk.h"
#include "os/linux/http.h"
#include "os/linux/textfile.h"
#include "os/world.h"
#include "store/whole.h"

/* A month of a busy machine; what is asked of a server at once. */
enum { FILE_MAX = 1 << 30, PIECE_MS = 6 * 3600 * 1000, SHOWN = 12, MARK = 40 };

struct import {
	const struct call *call;
	const char *form, *from;
	struct remembered remembered;
	struct intake intake;
};

static void import_done(struct import *import)
{
	intake_done(&import->intake);
	remembered_close(&import->remembered);
}

/* ---- what is said ---- */

static uint64_t sum_of(const struct intake *intake, uint64_t (*of)(const struct intake_series *))
{
	uint64_t sum = 0;
	map_each (entry, &intake->by_name)
		sum += of(entry->value);
	return sum;
}

static uint64_t kept_of(const struct intake_series *one)
{
	return one->put[SERIES_KEPT] + one->put[SERIES_LATE];
}

static uint64_t known_of(const struct intake_series *one)
{
	return one->put[SERIES_DUPLICATE];
}

static uint64_t refused_of(const struct intake_series *one)
{
	return one->put[SERIES_DENSE] + one->put[SERIES_POISON] + one->put[SERIES_FUTURE] +
		one->put[SERIES_OLD];
}

static int say_json(const struct import *import)
{
	json_t *list = json_array();
	map_each (entry, &import->intake.by_name) {
		const struct intake_series *one = entry->value;
		json_array_append_new(list,
			json_pack("{s:s,s:I,s:I,s:I}", "series", entry->name, "imported",
				(json_int_t)kept_of(one), "known_before", (json_int_t)known_of(one),
				"refused", (json_int_t)refused_of(one)));
	}
	return call_print_json(json_pack("{s:s,s:s,s:s,s:o,s:I,s:I}", "type", "history-import",
		"form", import->form, "from", import->from, "series", list, "gaps",
		(json_int_t)import->intake.gaps, "left_out", (json_int_t)import->intake.left_out));
}

static void add_count(struct str *text, uint64_t count, const char *what)
{
	if (count)
		str_addf(text, "  %llu %s\n", (unsigned long long)count, what);
}

static int say(const struct import *import)
{
	OWN(str_done) struct str text = {0};
	const struct intake *intake = &import->intake;
	size_t shown = 0;
	if (args_given(&import->call->args, OPTION_JSON))
		return say_json(import);
	str_addf(&text, "%s: %llu samples of %zu series\n", import->from,
		(unsigned long long)sum_of(intake, kept_of), intake->by_name.live);
	map_each (entry, &intake->by_name)
		if (shown++ < SHOWN)
			str_addf(&text, "  %8llu  %s\n", (unsigned long long)kept_of(entry->value),
				entry->name);
	if (shown > SHOWN)
		str_addf(&text, "  and %zu more series\n", shown - SHOWN);
	add_count(&text, sum_of(intake, known_of), "are of times that are known already");
	add_count(&text, sum_of(intake, refused_of),
		"cannot be, or lie in the future or too far back");
	add_count(&text, intake->gaps, "have no value");
	add_count(&text, intake->left_out,
		strcmp(import->form, "sysstat") == 0
			? "are of things that ebb does not watch"
			: "are of things that ebb does not watch; --match takes them in");
	return call_print(&text);
}

static int failed(const struct import *import, int err, const struct why *why)
{
	return call_fail(err == -ENOENT  ? EXIT_NO_OBJECT
			: err == -EINVAL ? EXIT_USAGE
					 : EXIT_FAILED,
		"%s%s", why->text, err == -ENOSPC ? import->remembered.state : "");
}

static int put_and_say(struct import *import)
{
	struct why why;
	int err = intake_put(&import->intake, import->remembered.series, &why);
	if (err)
		return call_fail(EXIT_FAILED, "%s: %s", import->remembered.state, why.text);
	int code = say(import);
	return code || !sum_of(&import->intake, refused_of) ? code : EXIT_PARTIAL;
}

/* ---- files ---- */

static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
	struct why why;
	const char *from = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
	int err = textfile_read(from, FILE_MAX, ret_text, ret_len, &why);
	return err ? call_fail(err == -ENOENT ? EXIT_NO_OBJECT : EXIT_FAILED, "%s", why.text)
		   : EXIT_OK;
}

int history_sysstat(const struct call *call, const char *file)
{
	OWN(own_free) char *text = NULL;
	OWN(import_done) struct import import = {.call = call, .form = "sysstat", .from = file};
	struct why why;
	size_t len;
	int code = read_file(file, &text, &len);
	if (code)
		return code;
	int err = sysstat_read(
		file, text, len, call->args.values[OPTION_HOST], &import.intake, &why);
	if (err)
		return call_fail(err == -ENOENT ? EXIT_NO_OBJECT : EXIT_FAILED, "%s", why.text);
	code = remembered_open(call, true, &import.remembered);
	return code ? code : put_and_say(&import);
}

static int influx_file(const struct call *call, const char *file)
{
	OWN(own_free) char *text = NULL;
	OWN(import_done) struct import import = {.call = call, .form = "influx", .from = file};
	const struct influx_options wanted = {.name = file,
		.host = call->args.values[OPTION_HOST],
		.match = call->args.values[OPTION_MATCH]};
	struct why why;
	size_t len;
	int code = read_file(file, &text, &len);
	if (code)
		return code;
	if (influx_read(&wanted, text, len, &import.intake, &why) != 0)
		return call_fail(EXIT_FAILED, "%s", why.text);
	code = remembered_open(call, true, &import.remembered);
	return code ? code : put_and_say(&import);
}

/* ---- servers ---- */

typedef int pull_fn(struct server *server, struct why *why);

/* How far an import of this server, of the same host and selector, has come. */
struct mark {
	char path[MARK];
	struct label label;
	uint64_t what;
};

static struct mark mark_of(const struct import *import, const struct server *server)
{
	struct mark mark = {.label = {.kind = "IMPT", .version = 1}};
	const char *parts[] = {import->form, server->url, server->host, server->match};
	for (size_t i = 0; i < 4; i++)
		mark.what = hash64(parts[i] ? parts[i] : "", parts[i] ? strlen(parts[i]) + 1 : 0,
			mark.what + i);
	snprintf(mark.path, sizeof(mark.path), "imports/%016llx", (unsigned long long)mark.what);
	memcpy(mark.label.identity, import->remembered.identity, IDENTITY_SIZE);
	return mark;
}

static int64_t mark_read(const struct import *import, const struct mark *mark)
{
	OWN(whole_done) struct whole content = {0};
	struct disk *disk = import->remembered.world->disk;
	if (whole_read(disk, mark->path, &mark->label, &content, NULL) != 0 || content.len != 8)
		return 0;
	return (int64_t)get_le64(content.bytes);
}

static int mark_write(
	const struct import *import, const struct mark *mark, int64_t until_ms, struct why *why)
{
	uint8_t bytes[8];
	struct disk *disk = import->remembered.world->disk;
	struct whole content = {.label = mark->label, .bytes = bytes, .len = sizeof(bytes)};
	int err = disk_mkdir(disk, "imports");
	if (!err)
		err = disk_sync_dir(disk, ".");
	if (err && err != -EEXIST)
		return why_errno(why, err, "imports: cannot be made");
	put_le64(bytes, (uint64_t)until_ms);
	return whole_write(disk, mark->path, &content, why);
}

static int read_moment(const struct call *call, enum option_id option, int64_t *ms)
{
	const char *text = call->args.values[option];
	int64_t first, last;
	struct why why;
	if (!text)
		return EXIT_OK;
	if (units_time(text, &first, &last, &why) != 0)
		return call_fail(EXIT_USAGE, "--%s: %s", options[option].name, why.text);
	*ms = (option == OPTION_UNTIL ? last : first) / NS_PER_MS;
	return EXIT_OK;
}

/* Six weeks, which is what a model remembers, unless told; from the mark of the last time on. */
static int read_span(
	struct import *import, const struct mark *mark, int64_t *ret_from, int64_t *ret_to)
{
	const int64_t now = import->remembered.now_ms;
	int64_t from = now - (int64_t)HISTORY_HOURS * HOUR_MS, done = mark_read(import, mark);
	*ret_to = now;
	if (!args_given(&import->call->args, OPTION_SINCE) && done > from && done <= now)
		from = done;
	*ret_from = from;
	int code = read_moment(import->call, OPTION_SINCE, ret_from);
	if (!code)
		code = read_moment(import->call, OPTION_UNTIL, ret_to);
	if (!code && *ret_to > now)
		*ret_to = now;
	return code;
}

/* A piece of time after the other, each durable before the next is asked for. */
static int pull_all(struct import *import, struct server *server, pull_fn *pull)
{
	int64_t from, to;
	struct why why;
	struct mark mark = mark_of(import, server);
	int code = read_span(import, &mark, &from, &to);
	int err = 0;
	server->intake = &import->intake;
	for (; !code && !err && from < to; from = server->to_ms) {
		/* The last piece is a long one: a start of it shortly before the machine's own
		 * samples begin would make the time between them known (intake.h). */
		int64_t next = to - from < 2 * (int64_t)PIECE_MS ? to
								 : (from / PIECE_MS + 1) * PIECE_MS;
		server->from_ms = from;
		server->to_ms = next < to ? next : to;
		err = pull(server, &why);
		if (!err)
			err = intake_put(&import->intake, import->remembered.series, &why);
		if (!err)
			err = mark_write(import, &mark, server->to_ms, &why);
	}
	return code ? code : err ? failed(import, err, &why) : put_and_say(import);
}

static const char *authorization_of(const struct call *call)
{
	static const char name[] = "EBB_IMPORT_AUTHORIZATION=";
	for (const char *const *line = call->environment; line && *line; line++)
		if (str_starts(*line, name) && (*line)[sizeof(name) - 1])
			return *line + sizeof(name) - 1;
	return NULL;
}

static int from_server(struct import *import, pull_fn *pull)
{
	const struct call *call = import->call;
	struct server server = {.url = import->from,
		.authorization = authorization_of(call),
		.host = call->args.values[OPTION_HOST],
		.match = call->args.values[OPTION_MATCH]};
	struct linux_http *http = NULL;
	struct why why;
	if (server_check(&server, &why) != 0)
		return call_fail(EXIT_USAGE, "%s", why.text);
	int code = remembered_open(call, true, &import->remembered);
	if (code)
		return code;
	if (linux_http_open(&(struct linux_http_options){0}, &http, &why) != 0)
		return call_fail(EXIT_FAILED, "%s", why.text);
	server.http = linux_http(http);
	code = pull_all(import, &server, pull);
	linux_http_close(http);
	return code;
}

int history_prometheus(const struct call *call, const char *url)
{
	OWN(import_done) struct import import = {.call = call, .form = "prometheus", .from = url};
	return from_server(&import, prometheus_pull);
}

int history_influx(const struct call *call, const char *file_or_url)
{
	OWN(import_done)
	struct import import = {.call = call, .form = "influx", .from = file_or_url};
	if (!strstr(file_or_url, "://"))
		return influx_file(call, file_or_url);
	return from_server(&import, influx_pull);
}
