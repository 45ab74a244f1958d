/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a conversation with a server, taken when the server is ready for them. */
#include "watch/postgres.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/units.h"
#include "base/vec.h"
#include "os/clock.h"
#include "os/loop.h"
#include "os/world.h"
#include "pg/library.h"
#include "series/name.h"
#include "watch/watch.h"

#define LIMIT_NS (5 * NS_PER_SEC)  /* for a call, and for an answer */
#define STEP_NS (20 * NS_PER_MS)   /* between looks whether the server is ready */
#define AGAIN_NS (30 * NS_PER_SEC) /* after a failure, at the least */

enum { VERSION_CHECKPOINTER = 170000, VERSION_MIN = 120000, COLUMN = 64, VALUES_MAX = 1024 };

/* Names of columns are those of metrics, behind "ebb_postgres_". */
static const char databases[] =
	"SELECT datname AS database, xact_commit AS commits_total, "
	"xact_rollback AS rollbacks_total, "
	"blks_read * current_setting('block_size')::bigint AS read_bytes_total, "
	"blks_hit * current_setting('block_size')::bigint AS hit_bytes_total, "
	"tup_fetched + tup_returned AS rows_read_total, "
	"tup_inserted + tup_updated + tup_deleted AS rows_written_total, "
	"temp_bytes AS temp_bytes_total, deadlocks AS deadlocks_total, "
	"numbackends AS database_connections "
	"FROM pg_stat_database WHERE datname IS NOT NULL AND datname NOT LIKE 'template%' "
	"ORDER BY xact_commit DESC LIMIT 32;";

static const char server[] =
	"SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS connections, "
	"count(*) FILTER (WHERE backend_type = 'client backend' AND state = 'active') AS active, "
	"current_setting('max_connections') AS connections_max, "
	"pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() "
	"ELSE pg_current_wal_lsn() END, '0/0') AS wal_bytes_total FROM pg_stat_activity;";

static const char writer[] =
	"SELECT checkpoints_timed AS checkpoints_total, "
	"checkpoints_req AS checkpoints_asked_total, "
	"buffers_checkpoint * current_setting('block_size')::bigint AS checkpoint_bytes_total "
	"FROM pg_stat_bgwriter";

static const char writer_17[] =
	"SELECT num_timed AS checkpoints_total, num_requested AS checkpoints_asked_total, "
	"buffers_written * current_setting('block_size')::bigint AS checkpoint_bytes_total "
	"FROM pg_stat_checkpointer";

struct value {
	char database[COLUMN], column[COLUMN], text[COLUMN];
};

struct watch_postgres {
	struct world *world; /* borrowed */
	char *name, *dsn;
	int64_t every_ns;
	struct pg_library library;
	PGconn *conn;
	enum { AWAY, CALLING, ASKING, HERE } state;
	PostgresPollingStatusType wanted; /* while calling: what is to be waited for */
	struct timer timer;
	int64_t due_ns, limit_ns;
	VEC(struct value) values; /* of the answer that comes in */
	bool answered;            /* they are whole, and to be put */
	bool told;                /* something is to be put: up or not */
	struct watch_postgres_facts facts;
	struct why failure;
};

static int64_t now(const struct watch_postgres *postgres)
{
	return clock_mono_ns(postgres->world->clock);
}

static void step(struct timer *timer);

struct watch_postgres *watch_postgres_new(
	struct world *world, const struct watch_postgres_options *options)
{
	struct watch_postgres *postgres = calloc(1, sizeof(*postgres));
	if (!postgres)
		return NULL;
	postgres->world = world;
	postgres->every_ns = options->every_ns;
	postgres->timer.fn = step;
	postgres->name = strdup(options->name);
	postgres->dsn = strdup(options->dsn);
	if (!postgres->name || !postgres->dsn) {
		watch_postgres_free(postgres);
		return NULL;
	}
	postgres->facts.name = postgres->name;
	postgres->facts.failure = postgres->failure.text;
	postgres->due_ns = now(postgres);
	return postgres;
}

static void hang_up(struct watch_postgres *postgres)
{
	if (postgres->conn)
		postgres->library.finish(postgres->conn);
	postgres->conn = NULL;
	postgres->state = AWAY;
}

void watch_postgres_free(struct watch_postgres *postgres)
{
	if (!postgres)
		return;
	timer_cancel(postgres->world->loop, &postgres->timer);
	hang_up(postgres);
	pg_library_done(&postgres->library);
	vec_done(&postgres->values);
	free(postgres->name);
	free(postgres->dsn);
	free(postgres);
}

/* ---- one conversation ---- */

static void fail(struct watch_postgres *postgres, const char *what)
{
	size_t len = strlen(what);
	while (len && (what[len - 1] == '\n' || what[len - 1] == ' '))
		len--;
	why_set(&postgres->failure, -EIO, "%.*s", (int)(len < 300 ? len : 300), what);
	for (char *c = postgres->failure.text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	hang_up(postgres);
	postgres->values.len = 0;
	postgres->facts.failures++;
	postgres->facts.up = false;
	postgres->told = true;
	int64_t again_ns = postgres->every_ns > AGAIN_NS ? postgres->every_ns : AGAIN_NS;
	postgres->due_ns = now(postgres) + again_ns;
}

static void fail_by_server(struct watch_postgres *postgres)
{
	fail(postgres, postgres->library.error_message(postgres->conn));
}

static void wait_on(struct watch_postgres *postgres)
{
	timer_set(postgres->world->loop, &postgres->timer, now(postgres) + STEP_NS);
}

static void limit(struct watch_postgres *postgres)
{
	postgres->limit_ns = now(postgres) + LIMIT_NS;
}

static void ask(struct watch_postgres *postgres)
{
	struct pg_library *l = &postgres->library;
	char query[sizeof(databases) + sizeof(server) + sizeof(writer_17) + 256];
	bool split = l->server_version(postgres->conn) >= VERSION_CHECKPOINTER;
	snprintf(query, sizeof(query), "%s%s%s", databases, server, split ? writer_17 : writer);
	if (!l->send_query(postgres->conn, query)) {
		fail_by_server(postgres);
		return;
	}
	postgres->values.len = 0;
	postgres->state = ASKING;
	limit(postgres);
	wait_on(postgres);
}

static void call(struct watch_postgres *postgres)
{
	struct pg_library *l = &postgres->library;
	struct why why;
	if (!l->handle && pg_library_load(l, &why) != 0) {
		fail(postgres, why.text);
		return;
	}
	bool service = !strchr(postgres->dsn, '=') && !strstr(postgres->dsn, "://");
	/* What the dsn says of these comes behind, and wins. */
	const char *const keywords[] = {
		"options", "fallback_application_name", service ? "service" : "dbname", NULL};
	const char *const values[] = {"-c statement_timeout=5s -c default_transaction_read_only=on",
		"ebb", postgres->dsn, NULL};
	postgres->conn = l->connect_start(keywords, values, 1);
	if (!postgres->conn) {
		fail(postgres, "out of memory");
		return;
	}
	if (l->status(postgres->conn) == CONNECTION_BAD) {
		fail_by_server(postgres);
		return;
	}
	postgres->state = CALLING;
	postgres->wanted = PGRES_POLLING_WRITING;
	limit(postgres);
	wait_on(postgres);
}

/* Whether a step would not wait. */
static bool ready(const struct watch_postgres *postgres, bool write)
{
	struct pollfd fd = {
		.fd = postgres->library.socket(postgres->conn), .events = write ? POLLOUT : POLLIN};
	return fd.fd < 0 || poll(&fd, 1, 0) > 0;
}

static void go_on_calling(struct watch_postgres *postgres)
{
	struct pg_library *l = &postgres->library;
	while (ready(postgres, postgres->wanted == PGRES_POLLING_WRITING)) {
		postgres->wanted = l->connect_poll(postgres->conn);
		if (postgres->wanted == PGRES_POLLING_FAILED) {
			fail_by_server(postgres);
			return;
		}
		if (postgres->wanted != PGRES_POLLING_OK)
			continue;
		if (l->server_version(postgres->conn) < VERSION_MIN)
			fail(postgres, "the server is older than PostgreSQL 12");
		else if (l->set_nonblocking(postgres->conn, 1) != 0)
			fail_by_server(postgres);
		else
			ask(postgres);
		return;
	}
	wait_on(postgres);
}

static void take_row(struct watch_postgres *postgres, PGresult *result, int row)
{
	struct pg_library *l = &postgres->library;
	const char *database = "";
	for (int i = 0; i < l->nfields(result); i++) {
		struct value value;
		const char *column = l->fname(result, i), *text = l->getvalue(result, row, i);
		if (strcmp(column, "database") == 0) {
			database = text;
			continue;
		}
		if (l->getisnull(result, row, i) || postgres->values.len == VALUES_MAX)
			continue;
		snprintf(value.database, sizeof(value.database), "%s", database);
		snprintf(value.column, sizeof(value.column), "%s", column);
		snprintf(value.text, sizeof(value.text), "%s", text);
		/* Without memory it is a gap. */
		(void)vec_push(&postgres->values, value);
	}
}

/* One of the three results; false: the conversation has failed. */
static bool take_result(struct watch_postgres *postgres, PGresult *result)
{
	struct pg_library *l = &postgres->library;
	bool ok = l->result_status(result) == PGRES_TUPLES_OK;
	for (int row = 0; ok && row < l->ntuples(result); row++)
		take_row(postgres, result, row);
	l->clear(result);
	if (!ok)
		fail_by_server(postgres);
	return ok;
}

static void go_on_asking(struct watch_postgres *postgres)
{
	struct pg_library *l = &postgres->library;
	if (l->flush(postgres->conn) < 0 ||
		(ready(postgres, false) && !l->consume_input(postgres->conn))) {
		fail_by_server(postgres);
		return;
	}
	while (!l->is_busy(postgres->conn)) {
		PGresult *result = l->get_result(postgres->conn);
		if (result) {
			if (!take_result(postgres, result))
				return;
			continue;
		}
		postgres->state = HERE;
		postgres->answered = postgres->told = postgres->facts.up = true;
		postgres->facts.answers++;
		postgres->failure.text[0] = '\0';
		return;
	}
	wait_on(postgres);
}

static void step(struct timer *timer)
{
	struct watch_postgres *postgres = container_of(timer, struct watch_postgres, timer);
	if (now(postgres) > postgres->limit_ns)
		fail(postgres,
			postgres->state == CALLING ? "it does not take the call within 5 s"
						   : "it does not answer within 5 s");
	else if (postgres->state == CALLING)
		go_on_calling(postgres);
	else if (postgres->state == ASKING)
		go_on_asking(postgres);
}

/* ---- turns ---- */

bool watch_postgres_value(
	struct watch *watch, const char *const labels[2], const char *column, const char *text)
{
	struct name name;
	char metric[NAME_WORD], *end;
	size_t len = strlen(column);
	double value = strtod(text, &end);
	bool counter = len > 6 && strcmp(column + len - 6, "_total") == 0;
	snprintf(metric, sizeof(metric), "ebb_postgres_%s", column);
	if (end == text || *end || !isfinite(value) || (counter && value < 0))
		return false;
	if (name_start(&name, metric, strlen(metric), NULL) ||
		name_label(&name, "server", labels[0], NULL) ||
		name_label(&name, "database", labels[1], NULL))
		return false;
	watch_put(watch, &name, counter ? SERIES_COUNTER : SERIES_GAUGE, value);
	return true;
}

static void put(struct watch_postgres *postgres, struct watch *watch)
{
	const char *const whole[2] = {postgres->name, ""};
	watch_postgres_value(watch, whole, "up", postgres->facts.up ? "1" : "0");
	for (size_t i = 0; postgres->answered && i < postgres->values.len; i++) {
		const struct value *value = &postgres->values.at[i];
		const char *const labels[2] = {postgres->name, value->database};
		postgres->facts.poisoned += !watch_postgres_value(
			watch, labels, value->column, value->text);
	}
	postgres->values.len = 0;
	postgres->answered = postgres->told = false;
}

void watch_postgres_turn(struct watch_postgres *postgres, struct watch *watch)
{
	if (postgres->told)
		put(postgres, watch);
	if (now(postgres) < postgres->due_ns)
		return;
	if (postgres->state == AWAY || postgres->state == HERE) {
		postgres->due_ns = now(postgres) + postgres->every_ns;
		if (postgres->state == HERE)
			ask(postgres);
		else
			call(postgres);
	}
}

struct watch_postgres_facts watch_postgres_facts(const struct watch_postgres *postgres)
{
	return postgres->facts;
}
