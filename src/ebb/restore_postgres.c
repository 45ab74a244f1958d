/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL cluster back, at the end of a base backup or at a moment after it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "ebb/postgres.h"
#include "os/linux/disk.h"
#include "repo/point.h"
#include "ship/restore.h"
#include "source/pg_facts.h"
#include "source/pg_restore.h"
#include "source/wal.h"

static const char prefix[] = "pg/";

struct moment {
	const struct call *call;
	struct keep *keep;
	char name[POSTGRES_NAME + 1];
	const char *text; /* as it was given */
	bool latest;
	int64_t at_ns;
	char server_time[UNITS_TEXT]; /* as the server reads it */
	struct point point;           /* the base backup */
	struct pg_facts facts;
	struct pg_reach reach;
	struct str command; /* restore_command */
	char target[KEEP_PATH], tablespaces[KEEP_PATH];
};

static void moment_done(struct moment *moment)
{
	pg_facts_done(&moment->facts);
	str_done(&moment->command);
}

bool postgres_is_moment(const char *point)
{
	const char *at = strrchr(point, '@');
	return str_starts(point, prefix) && at && at > point + sizeof(prefix) - 1;
}

static int read_moment(struct moment *m, const char *point)
{
	const char *at = strrchr(point, '@');
	size_t len = (size_t)(at - point) - (sizeof(prefix) - 1);
	char shown[UNITS_TEXT];
	int64_t last;
	struct why why;
	if (len > POSTGRES_NAME)
		return call_fail(EXIT_USAGE, "the cluster's name is too long");
	snprintf(m->name, sizeof(m->name), "%.*s", (int)len, point + sizeof(prefix) - 1);
	m->text = at + 1;
	m->latest = strcmp(m->text, "latest") == 0;
	m->at_ns = INT64_MAX;
	if (m->latest)
		return EXIT_OK;
	if (units_time(m->text, &m->at_ns, &last, &why))
		return call_fail(EXIT_USAGE, "%s", why.text);
	/* 2026-11-21T10:00:00.000Z: the server wants a blank and an offset. */
	units_show_time(m->at_ns, shown);
	snprintf(m->server_time, sizeof(m->server_time), "%.10s %.12s+00", shown, shown + 11);
	return EXIT_OK;
}

/* The newest base backup that ended before the moment. */
static int find_base(struct moment *m)
{
	const struct head *head = repo_head(m->keep->repo);
	char resource[POINT_TEXT], oldest[UNITS_TEXT];
	int64_t oldest_ns = INT64_MAX;
	struct why why;
	bool found = false;
	snprintf(resource, sizeof(resource), "%s%s", prefix, m->name);
	uint64_t wanted = repo_resource(m->keep->repo, resource);
	for (size_t i = 0; i < head->points.len; i++) {
		const struct head_point *named = &head->points.at[i];
		if (named->source != POINT_POSTGRES || named->resource != wanted)
			continue;
		if (named->end_ns < oldest_ns)
			oldest_ns = named->end_ns;
		if (named->end_ns > m->at_ns || (found && named->end_ns < m->point.end_ns))
			continue;
		int err = repo_point(m->keep->repo, &named->id, &m->point, &why);
		if (err)
			return keep_fail(m->keep, err == -ENOENT ? -EBADMSG : err, &why);
		found = true;
	}
	if (found)
		return EXIT_OK;
	if (oldest_ns == INT64_MAX)
		return call_fail(EXIT_NO_OBJECT, "there is no base backup %s", resource);
	return call_fail(EXIT_NO_OBJECT, "%s@%s lies before its first base backup, which ended %s",
		resource, m->text, units_show_time(oldest_ns, oldest));
}

/* Is there WAL up to the moment? Names what is missing. */
static int check_reach(struct moment *m)
{
	struct wal_archive archive;
	const struct pg_reach *reach = &m->reach;
	const char *timeline = m->call->args.values[OPTION_TIMELINE];
	char until[UNITS_TEXT], *end = NULL;
	struct why why = {"no memory"};
	unsigned long number = timeline && strcmp(timeline, "latest") != 0
		? strtoul(timeline, &end, 10)
		: 0;
	if (end && (*end || !number || number > UINT32_MAX))
		return call_fail(EXIT_USAGE, "--timeline: '%.20s' is no timeline", timeline);
	int err = wal_open(m->keep->repo, m->name, &archive, &why);
	if (!err) {
		err = pg_reach(&archive, &m->facts, &m->point, (uint32_t)number, &m->reach, &why);
		wal_close(&archive);
	}
	if (err == -ENOENT)
		return call_fail(EXIT_NO_OBJECT, "%s", why.text);
	if (err)
		return keep_fail(m->keep, err, &why);
	units_show_time(reach->until_ns, until);
	if (reach->beyond[0] && reach->until_ns < m->at_ns)
		return call_fail(EXIT_NO_OBJECT,
			"%s%s@%s cannot be reached: WAL file %s is missing in the archive, though "
			"%s behind it is there; what is there leads to %s",
			prefix, m->name, m->text, reach->missing, reach->beyond, until);
	if (!m->latest && reach->until_ns < m->at_ns)
		return call_fail(EXIT_NO_OBJECT,
			"%s%s@%s cannot be reached: WAL file %s is not in the archive, which ends "
			"at "
			"%s; `SELECT pg_switch_wal()` on the server archives the newest, "
			"%s%s@latest restores what is there",
			prefix, m->name, m->text, reach->missing, until, prefix, m->name);
	return EXIT_OK;
}

/* One word for the server's shell, in which the server itself replaces what follows a %. */
static void add_word(struct str *command, const char *word)
{
	str_add(command, command->len ? " '" : "'");
	for (const char *at = word; *at; at++) {
		if (*at == '\'')
			str_add(command, "'\\''");
		else if (*at == '%')
			str_add(command, "%%");
		else
			str_add_bytes(command, at, 1);
	}
	str_add(command, "'");
}

/* An option whose value is a path. */
static int add_path(struct moment *m, const char *option, const char *path)
{
	char absolute[KEEP_PATH];
	if (!keep_absolute(m->call, path, absolute))
		return call_fail(EXIT_USAGE, "%s: the path is too long", option);
	add_word(&m->command, option);
	add_word(&m->command, absolute);
	return EXIT_OK;
}

/* The key as this call has it: nobody is there to type one when the server fetches WAL. */
static int add_key(struct moment *m)
{
	const struct call *call = m->call;
	const char *file = call->args.values[OPTION_KEY_FILE];
	const char *command = call->args.values[OPTION_PASSWORD_COMMAND];
	if (!file && !command)
		file = call->key_file_env;
	if (command) {
		add_word(&m->command, "--password-command");
		add_word(&m->command, command);
		return EXIT_OK;
	}
	if (file && *file)
		return add_path(m, "--key-file", file);
	return call_fail(EXIT_USAGE,
		"the server will need the key when nobody is there to type it: give --key-file or "
		"--password-command");
}

static int make_command(struct moment *m)
{
	char path[CALL_PATH + 8];
	const char *where = m->keep->where;
	int code = EXIT_OK;
	snprintf(path, sizeof(path), "%s/ebb", m->call->program_folder);
	add_word(&m->command, path);
	str_add(&m->command, " wal pull %f \"%p\"");
	add_word(&m->command, "--name");
	add_word(&m->command, m->name);
	if (strstr(where, "://")) {
		add_word(&m->command, "--repo");
		add_word(&m->command, where);
	} else {
		code = add_path(m, "--repo", where);
	}
	if (!code)
		code = add_key(m);
	return code ? code : str_error(&m->command) ? call_fail(EXIT_FAILED, "no memory") : EXIT_OK;
}

static int make_folder(const char *path)
{
	struct linux_disk made;
	struct why why;
	if (linux_disk_init(&made, path, &why))
		return call_fail(EXIT_FAILED, "%s", why.text);
	linux_disk_done(&made);
	return EXIT_OK;
}

static int make_folders(struct moment *m)
{
	const char *given = m->call->args.values[OPTION_TABLESPACES];
	if (m->call->args.operand_count != 2 || args_given(&m->call->args, OPTION_IN_PLACE))
		return call_fail(EXIT_USAGE, "a PostgreSQL server wants an empty TARGET");
	if (!keep_absolute(m->call, m->call->args.operands[1], m->target) ||
		(given && !keep_absolute(m->call, given, m->tablespaces)) ||
		strlen(m->target) + sizeof(".tablespaces") > KEEP_PATH)
		return call_fail(EXIT_USAGE, "TARGET is too long");
	if (!given)
		snprintf(m->tablespaces, sizeof(m->tablespaces), "%.*s.tablespaces", KEEP_PATH - 20,
			m->target);
	int code = make_folder(m->target);
	return code || !m->facts.spaces.len ? code : make_folder(m->tablespaces);
}

static int say(struct moment *m, const struct restore_result *result)
{
	OWN(str_done) struct str text = {0};
	char until[UNITS_TEXT];
	bool wal = m->command.len;
	units_show_time(m->reach.until_ns, until);
	if (args_given(&m->call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:s,s:I,s:s,s:s}", "type",
			"restore", "entries", (json_int_t)result->entries, "bytes",
			(json_int_t)result->bytes, "failed", (json_int_t)result->failed, "resource",
			m->point.resource, "timeline",
			(json_int_t)(wal ? m->reach.timeline : m->facts.timeline), "wal_until",
			until, "wal_last", m->reach.last));
	str_addf(&text, "restored %s, %s of PostgreSQL %s\n",
		COUNT(result->entries, "file", "files"), BYTES(result->bytes), m->facts.version);
	if (wal)
		str_addf(&text,
			"started, it recovers to %s with WAL of timeline %u, up to %s (%s)\n",
			m->latest ? "the end" : m->text, m->reach.timeline,
			m->reach.last[0] ? m->reach.last : "that of the backup", until);
	else
		str_add(&text, "started, it is as it was at the end of the backup\n");
	if (m->facts.spaces.len)
		str_addf(&text, "its tablespaces are in %s\n", m->tablespaces);
	return call_print(&text);
}

static void on_trouble(void *arg, const char *path, const char *what)
{
	(void)arg;
	keep_say_trouble(path, what);
}

static int put(struct moment *m)
{
	const char *timeline = m->call->args.values[OPTION_TIMELINE];
	struct restore_result result = {0};
	struct why why = {"no memory"};
	struct pg_restore_options how = {
		.facts = &m->facts,
		.target = m->target,
		.tablespaces = m->tablespaces,
		.restore_command = m->command.len ? str_text(&m->command) : NULL,
		.time = m->command.len && !m->latest ? m->server_time : NULL,
		.timeline = timeline     ? timeline
			: m->command.len ? "latest"
					 : "current",
		.no_owner = args_given(&m->call->args, OPTION_NO_OWNER) || geteuid() != 0,
		.on_trouble = on_trouble,
	};
	int code = make_folders(m);
	if (code)
		return code;
	struct catalog_job job = ledger_begin(m->keep, JOB_RESTORE);
	int err = pg_restore(m->keep->repo, &m->keep->files, &m->point, &how, &result, &why);
	if (err == -ENOTEMPTY)
		return call_fail(EXIT_GUARDED, "%s", why.text);
	if (err)
		return keep_fail(m->keep, err == -ENOENT ? -EIO : err, &why);
	job.resource = m->point.resource;
	job.entries = result.entries;
	job.source_bytes = result.bytes;
	code = say(m, &result);
	return ledger_end(m->keep, &job, code ? code : result.failed ? EXIT_PARTIAL : EXIT_OK);
}

static int read_facts(struct moment *m)
{
	struct why why = {"no memory"};
	int err = pg_facts_read(m->keep->repo, &m->point, &m->facts, &why);
	return err ? keep_fail(m->keep, err == -ENOENT ? -EBADMSG : err, &why) : EXIT_OK;
}

int postgres_restore_moment(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(moment_done) struct moment m = {.call = call, .keep = &keep};
	int code = read_moment(&m, call->args.operands[0]);
	if (!code)
		code = keep_open(call, &keep);
	if (!code)
		adopt_waiting(&keep);
	if (!code)
		code = find_base(&m);
	if (!code)
		code = read_facts(&m);
	if (!code)
		code = check_reach(&m);
	if (!code)
		code = make_command(&m);
	return code ? code : put(&m);
}

int postgres_restore_point(const struct call *call, struct keep *keep, const struct point *point)
{
	OWN(moment_done) struct moment m = {.call = call, .keep = keep, .point = *point};
	int code = read_facts(&m);
	m.reach.until_ns = point->end_ns;
	return code ? code : put(&m);
}
