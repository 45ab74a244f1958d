/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a PostgreSQL server in replication mode, and a base backup as it streams in:
 * one archive after the other, then the manifest.
 *
 * Calls block. One thread.
 */
#ifndef EBB_SOURCE_PG_SERVER_H
#define EBB_SOURCE_PG_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "pg/library.h"

struct why;

enum { PG_TEXT = 64, PG_PATH = 1024 };

struct pg_tablespace {
	char oid[PG_TEXT];
	char path[PG_PATH];
};

struct pg_server {
	struct pg_library library;
	PGconn *conn;
	char system_identifier[PG_TEXT], version[PG_TEXT];
	uint32_t segment_size, data_mode;
	char start_lsn[PG_TEXT], stop_lsn[PG_TEXT]; /* of the base backup */
	uint32_t timeline;
	uint64_t size; /* of all that will come, about */
	VEC(struct pg_tablespace) tablespaces;
	char *message; /* of the copy stream: what is read of it, and where */
	size_t len, at;
	bool ended;
};

enum pg_part { PG_END, PG_ARCHIVE, PG_MANIFEST };

/*
 * Connects by a connection string or the name of a service. A password within it is refused:
 * everybody sees the words of a command. -EINVAL, -ECONNREFUSED ...
 */
int pg_server_open(const char *conninfo, struct pg_server *ret_server, struct why *why);
void pg_server_close(struct pg_server *server);

/*
 * How large all databases are together, by an ordinary connection: what BASE_BACKUP would tell only
 * after a checkpoint. Whom the server does not let ask gets an error.
 */
int pg_server_size(const char *conninfo, uint64_t *ret_bytes, struct why *why);

/* Begins a base backup with all the WAL that it needs. */
int pg_server_begin(struct pg_server *server, struct why *why);

/* The next part and the name of an archive: "base.tar", "16384.tar". Negative errno. */
int pg_server_next(struct pg_server *server, char ret_name[PG_TEXT], struct why *why);

/* Bytes of that part, 0 at its end. */
ssize_t pg_server_read(struct pg_server *server, void *bytes, size_t len, struct why *why);

/* After PG_END: where the backup ended. Without it nothing of it counts. */
int pg_server_finish(struct pg_server *server, struct why *why);

#endif
