/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers of PostgreSQL as series, by what they count themselves:
 *
 *     ebb_postgres_up{server="main"}                           1, or 0 when it does not answer
 *     ebb_postgres_connections, _active, _connections_max, _wal_bytes_total, _checkpoints_total,
 *     _checkpoints_asked_total, _checkpoint_bytes_total
 *     ebb_postgres_commits_total{database="shop",server="main"}, _rollbacks_total,
 *     _read_bytes_total, _hit_bytes_total, _rows_read_total, _rows_written_total,
 *     _temp_bytes_total, _deadlocks_total, _database_connections
 *
 * of the 32 databases with most commits. One connection to each server is kept open, all by libpq
 * without waiting: a server that hangs holds up nothing, is let go of after five seconds, and is
 * tried again later. Only the address may wait: a name that a name server must be asked for.
 *
 *     away --begin--> calling --> asking --> here --begin--> asking
 *       ^----------------+-----------+ failed, or five seconds are over
 *
 * The loop's thread only.
 */
#ifndef EBB_WATCH_POSTGRES_H
#define EBB_WATCH_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

struct watch;
struct watch_postgres;
struct world;

struct watch_postgres_options {
	const char *name; /* of the server in series; copied */
	const char *dsn;  /* as libpq has it, or the name of a service; copied */
	int64_t every_ns;
};

/* Gives it; NULL: no memory. */
struct watch_postgres *watch_postgres_new(
	struct world *world, const struct watch_postgres_options *options);
/* Ends what is under way. */
void watch_postgres_free(struct watch_postgres *postgres);

/* Puts what came in since the last turn, and asks anew when that is due. Never waits. */
void watch_postgres_turn(struct watch_postgres *postgres, struct watch *watch);

struct watch_postgres_facts {
	const char *name; /* borrowed */
	bool up;          /* answered the last time */
	uint64_t answers, failures;
	uint64_t poisoned;   /* values that were no numbers, since the start */
	const char *failure; /* borrowed; "": there is none now */
};

struct watch_postgres_facts watch_postgres_facts(const struct watch_postgres *postgres);

/*
 * What one column says, as it is put: the column's name is that of the metric, and a counter's ends
 * in "_total". `database`: "" is the server as a whole. False: it is no number.
 */
bool watch_postgres_value(
	struct watch *watch, const char *const labels[2], const char *column, const char *text);

#endif
