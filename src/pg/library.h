/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq, loaded when it is needed and not before: few machines have PostgreSQL, and it brings two
 * dozen libraries along.
 *
 * One thread for each struct.
 */
#ifndef EBB_PG_LIBRARY_H
#define EBB_PG_LIBRARY_H

#include <libpq-fe.h>

struct why;

struct pg_library {
	void *handle;
	__typeof__(PQconninfoParse) *conninfo_parse;
	__typeof__(PQconninfoFree) *conninfo_free;
	__typeof__(PQconnectdbParams) *connect;
	__typeof__(PQconnectStartParams) *connect_start;
	__typeof__(PQconnectPoll) *connect_poll;
	__typeof__(PQsocket) *socket;
	__typeof__(PQconsumeInput) *consume_input;
	__typeof__(PQisBusy) *is_busy;
	__typeof__(PQsetnonblocking) *set_nonblocking;
	__typeof__(PQflush) *flush;
	__typeof__(PQfname) *fname;
	__typeof__(PQstatus) *status;
	__typeof__(PQfinish) *finish;
	__typeof__(PQserverVersion) *server_version;
	__typeof__(PQparameterStatus) *parameter_status;
	__typeof__(PQbackendPID) *backend_pid;
	__typeof__(PQerrorMessage) *error_message;
	__typeof__(PQexec) *exec;
	__typeof__(PQsendQuery) *send_query;
	__typeof__(PQgetResult) *get_result;
	__typeof__(PQresultStatus) *result_status;
	__typeof__(PQntuples) *ntuples;
	__typeof__(PQnfields) *nfields;
	__typeof__(PQgetisnull) *getisnull;
	__typeof__(PQgetvalue) *getvalue;
	__typeof__(PQclear) *clear;
	__typeof__(PQgetCopyData) *get_copy_data;
	__typeof__(PQfreemem) *freemem;
};

/* -ENOENT when it is not installed. */
int pg_library_load(struct pg_library *ret_library, struct why *why);

/* For OWN(). */
void pg_library_done(struct pg_library *library);

#endif
