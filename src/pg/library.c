/* SPDX-License-Identifier: Apache-2.0 */
/* Names to functions. */
#include "pg/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/why.h"

/* ISO C has no way from an object's pointer to a function's; POSIX says that the bits are the same.
 */
static int find(struct pg_library *library, const char *name, void *ret_function)
{
	void *symbol = dlsym(library->handle, name);
	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol ? 0 : -ENOENT;
}

int pg_library_load(struct pg_library *ret_library, struct why *why)
{
	struct pg_library *l = ret_library;
	*l = (struct pg_library){.handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL)};
	if (!l->handle)
		return why_set(
			why, -ENOENT, "libpq is not installed; apt-get install libpq5 brings it");
	int err = find(l, "PQconninfoParse", &l->conninfo_parse) |
		find(l, "PQconninfoFree", &l->conninfo_free) |
		find(l, "PQconnectdbParams", &l->connect) | find(l, "PQstatus", &l->status) |
		find(l, "PQconnectStartParams", &l->connect_start) |
		find(l, "PQconnectPoll", &l->connect_poll) | find(l, "PQsocket", &l->socket) |
		find(l, "PQconsumeInput", &l->consume_input) | find(l, "PQisBusy", &l->is_busy) |
		find(l, "PQsetnonblocking", &l->set_nonblocking) | find(l, "PQflush", &l->flush) |
		find(l, "PQfname", &l->fname) | find(l, "PQfinish", &l->finish) |
		find(l, "PQserverVersion", &l->server_version) |
		find(l, "PQparameterStatus", &l->parameter_status) |
		find(l, "PQbackendPID", &l->backend_pid) |
		find(l, "PQerrorMessage", &l->error_message) | find(l, "PQexec", &l->exec) |
		find(l, "PQsendQuery", &l->send_query) | find(l, "PQgetResult", &l->get_result) |
		find(l, "PQresultStatus", &l->result_status) | find(l, "PQntuples", &l->ntuples) |
		find(l, "PQnfields", &l->nfields) | find(l, "PQgetisnull", &l->getisnull) |
		find(l, "PQgetvalue", &l->getvalue) | find(l, "PQclear", &l->clear) |
		find(l, "PQgetCopyData", &l->get_copy_data) | find(l, "PQfreemem", &l->freemem);
	if (err) {
		pg_library_done(l);
		return why_set(why, -ENOENT, "libpq is another one than PostgreSQL's");
	}
	return 0;
}

void pg_library_done(struct pg_library *library)
{
	if (library->handle)
		dlclose(library->handle);
	library->handle = NULL;
}
