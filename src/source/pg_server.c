/* SPDX-License-Identifier: Apache-2.0 */
/* The replication protocol of PostgreSQL 15 and later, "Streaming Replication Protocol". */
#include "source/pg_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/units.h"
#include "base/why.h"

enum { VERSION_MIN = 150000 };

/* The server's own words, without the newline at their end. */
static int server_says(struct pg_server *server, const char *what, struct why *why)
{
	const char *text = server->library.error_message(server->conn);
	size_t len = strlen(text);
	while (len && text[len - 1] == '\n')
		len--;
	return why_set(why, -EIO, "%s: %.*s", what, (int)(len > 250 ? 250 : len), text);
}

static bool is_service(const char *conninfo)
{
	return !strchr(conninfo, '=') && !strstr(conninfo, "://");
}

static int check_conninfo(struct pg_server *server, const char *conninfo, struct why *why)
{
	struct pg_library *l = &server->library;
	char *error = NULL;
	bool secret = false;
	PQconninfoOption *options = l->conninfo_parse(conninfo, &error);
	if (!options) {
		why_set(why, -EINVAL, "%s", error ? error : "no memory");
		l->freemem(error);
		return -EINVAL;
	}
	for (PQconninfoOption *o = options; o->keyword; o++)
		secret |= o->val &&
			(strcmp(o->keyword, "password") == 0 ||
				strcmp(o->keyword, "sslpassword") == 0);
	l->conninfo_free(options);
	return secret ? why_set(why, -EINVAL,
				"a password in a command can be read by everybody: put it into "
				"~/.pgpass, or a service file that only you can read")
		      : 0;
}

static int connect_to(
	struct pg_server *server, const char *conninfo, bool replication, struct why *why)
{
	struct pg_library *l = &server->library;
	bool service = is_service(conninfo);
	const char *const keywords[] = {
		service ? "service" : "dbname", "replication", "fallback_application_name", NULL};
	const char *const values[] = {conninfo, replication ? "true" : "false", "ebb", NULL};
	int err = service ? 0 : check_conninfo(server, conninfo, why);
	if (err)
		return err;
	server->conn = l->connect(keywords, values, 1);
	if (!server->conn)
		return -ENOMEM;
	if (l->status(server->conn) != CONNECTION_OK)
		return server_says(server, "PostgreSQL", why);
	if (l->server_version(server->conn) < VERSION_MIN)
		return why_set(why, -ENOTSUP, "the server is older than PostgreSQL 15");
	const char *version = l->parameter_status(server->conn, "server_version");
	snprintf(server->version, sizeof(server->version), "%s", version ? version : "");
	return 0;
}

/* One value of a command that answers with a row. */
static int ask(
	struct pg_server *server, const char *command, char ret_text[PG_TEXT], struct why *why)
{
	struct pg_library *l = &server->library;
	PGresult *result = l->exec(server->conn, command);
	int err = 0;
	if (l->result_status(result) != PGRES_TUPLES_OK || l->ntuples(result) != 1)
		err = server_says(server, command, why);
	else if (ret_text)
		snprintf(ret_text, PG_TEXT, "%s", l->getvalue(result, 0, 0));
	l->clear(result);
	return err;
}

/* "16MB" and the like, as SHOW says it. */
static int ask_facts(struct pg_server *server, struct why *why)
{
	char text[PG_TEXT], size[PG_TEXT + 3], slot[128];
	int err = ask(server, "IDENTIFY_SYSTEM", server->system_identifier, why);
	if (!err)
		err = ask(server, "SHOW wal_segment_size", text, why);
	if (err)
		return err;
	/* PostgreSQL's MB are of 1024 kB. */
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	snprintf(size, sizeof(size), "%s", end);
	number <<= strcmp(size, "GB") == 0 ? 30 : strcmp(size, "MB") == 0 ? 20 : 0;
	if (number < 1 << 20 || number > 1 << 30)
		return why_set(why, -EBADMSG, "wal_segment_size is %s", text);
	server->segment_size = (uint32_t)number;
	err = ask(server, "SHOW data_directory_mode", text, why);
	server->data_mode = err ? 0 : (uint32_t)strtoul(text, NULL, 8) & 07777;
	/* The WAL from the backup's start on stays until this connection ends. */
	snprintf(slot, sizeof(slot),
		"CREATE_REPLICATION_SLOT \"ebb_%d\" TEMPORARY PHYSICAL RESERVE_WAL",
		server->library.backend_pid(server->conn));
	return err ? err : ask(server, slot, NULL, why);
}

int pg_server_open(const char *conninfo, struct pg_server *ret_server, struct why *why)
{
	*ret_server = (struct pg_server){0};
	int err = pg_library_load(&ret_server->library, why);
	if (!err)
		err = connect_to(ret_server, conninfo, true, why);
	if (!err)
		err = ask_facts(ret_server, why);
	if (err)
		pg_server_close(ret_server);
	return err;
}

int pg_server_size(const char *conninfo, uint64_t *ret_bytes, struct why *why)
{
	struct pg_server server = {0};
	char text[PG_TEXT];
	int err = pg_library_load(&server.library, why);
	if (!err)
		err = connect_to(&server, conninfo, false, why);
	if (!err)
		err = ask(&server, "SELECT sum(pg_database_size(oid)) FROM pg_database", text, why);
	if (!err)
		*ret_bytes = strtoull(text, NULL, 10);
	pg_server_close(&server);
	return err;
}

void pg_server_close(struct pg_server *server)
{
	if (server->message)
		server->library.freemem(server->message);
	server->message = NULL;
	if (server->conn)
		server->library.finish(server->conn);
	server->conn = NULL;
	vec_done(&server->tablespaces);
	pg_library_done(&server->library);
}

/* OID, path and size in kB of each. */
static int note_tablespaces(struct pg_server *server, PGresult *result)
{
	struct pg_library *l = &server->library;
	for (int i = 0; i < l->ntuples(result); i++) {
		struct pg_tablespace space = {0};
		if (!l->getisnull(result, i, 2))
			server->size += strtoull(l->getvalue(result, i, 2), NULL, 10) * 1024;
		if (l->getisnull(result, i, 0))
			continue; /* the data directory itself */
		snprintf(space.oid, sizeof(space.oid), "%s", l->getvalue(result, i, 0));
		snprintf(space.path, sizeof(space.path), "%s", l->getvalue(result, i, 1));
		if (vec_push(&server->tablespaces, space))
			return -ENOMEM;
	}
	return 0;
}

/* The next result, which is to be of that kind. Gives it. */
static int take_result(
	struct pg_server *server, ExecStatusType want, PGresult **ret_result, struct why *why)
{
	PGresult *result = server->library.get_result(server->conn);
	if (!result || server->library.result_status(result) != want) {
		server->library.clear(result);
		return server_says(server, "the base backup", why);
	}
	*ret_result = result;
	return 0;
}

int pg_server_begin(struct pg_server *server, struct why *why)
{
	struct pg_library *l = &server->library;
	PGresult *result;
	if (!l->send_query(server->conn,
		    "BASE_BACKUP (LABEL 'ebb', CHECKPOINT 'fast', WAL true, TABLESPACE_MAP true, "
		    "MANIFEST 'yes', PROGRESS true, TARGET 'client')"))
		return server_says(server, "the base backup", why);
	int err = take_result(server, PGRES_TUPLES_OK, &result, why);
	if (err)
		return err;
	snprintf(server->start_lsn, sizeof(server->start_lsn), "%s", l->getvalue(result, 0, 0));
	server->timeline = (uint32_t)strtoul(l->getvalue(result, 0, 1), NULL, 10);
	l->clear(result);
	err = take_result(server, PGRES_TUPLES_OK, &result, why);
	if (err)
		return err;
	err = note_tablespaces(server, result);
	l->clear(result);
	if (!err)
		err = take_result(server, PGRES_COPY_OUT, &result, why);
	if (!err)
		l->clear(result);
	return err;
}

/* The next message of the copy stream. What the one before still had is dropped. */
static int fetch(struct pg_server *server, struct why *why)
{
	if (server->message)
		server->library.freemem(server->message);
	server->message = NULL;
	server->at = server->len = 0;
	int n = server->library.get_copy_data(server->conn, &server->message, 0);
	if (n == -2)
		return server_says(server, "the base backup", why);
	server->ended = n == -1;
	server->len = n > 0 ? (size_t)n : 0;
	return 0;
}

/* Goes on to a message that is no progress report. */
static int settle_message(struct pg_server *server, struct why *why)
{
	int err = 0;
	while (!err && !server->ended && (server->at == server->len || server->message[0] == 'p'))
		err = fetch(server, why);
	return err;
}

int pg_server_next(struct pg_server *server, char ret_name[PG_TEXT], struct why *why)
{
	int err = settle_message(server, why);
	/* The rest of the part before, when nobody wanted it. */
	while (!err && !server->ended && server->message[0] == 'd') {
		server->at = server->len;
		err = settle_message(server, why);
	}
	if (err || server->ended)
		return err ? err : PG_END;
	char kind = server->message[0];
	snprintf(ret_name, PG_TEXT, "%.*s",
		kind == 'n' ? (int)strnlen(server->message + 1, server->len - 1) : 0,
		server->message + 1);
	server->at = server->len;
	if (kind != 'n' && kind != 'm')
		return why_set(why, -EBADMSG, "the base backup: a message of unknown kind");
	return kind == 'n' ? PG_ARCHIVE : PG_MANIFEST;
}

ssize_t pg_server_read(struct pg_server *server, void *bytes, size_t len, struct why *why)
{
	int err = settle_message(server, why);
	if (err || server->ended || server->message[0] != 'd')
		return err;
	if (!server->at)
		server->at = 1;
	size_t n = server->len - server->at < len ? server->len - server->at : len;
	memcpy(bytes, server->message + server->at, n);
	server->at += n;
	/* A message of no bytes is not the end. */
	return n || !len ? (ssize_t)n : pg_server_read(server, bytes, len, why);
}

int pg_server_finish(struct pg_server *server, struct why *why)
{
	PGresult *result;
	int err = take_result(server, PGRES_TUPLES_OK, &result, why);
	if (err)
		return err;
	snprintf(server->stop_lsn, sizeof(server->stop_lsn), "%s",
		server->library.getvalue(result, 0, 0));
	server->library.clear(result);
	err = take_result(server, PGRES_COMMAND_OK, &result, why);
	if (!err)
		server->library.clear(result);
	return err;
}
