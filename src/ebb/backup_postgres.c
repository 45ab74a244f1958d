/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL cluster into a repository. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "ebb/postgres.h"
#include "os/world.h"
#include "repo/point.h"
#include "source/pg_backup.h"

int postgres_name(const struct call *call, const char **ret_name)
{
	const char *name = call->args.values[OPTION_NAME];
	if (!name)
		return call_fail(EXIT_USAGE,
			"which cluster? give --name NAME, the same in all its commands");
	if (strchr(name, '/') || strchr(name, '@') || strlen(name) > POSTGRES_NAME)
		return call_fail(EXIT_USAGE, "--name: at most %d letters, without a slash or an @",
			POSTGRES_NAME);
	*ret_name = name;
	return EXIT_OK;
}

int backup_postgres(const struct call *call, struct made_point *ret_made)
{
	OWN(keep_done) struct keep keep = {0};
	char host[BACKUP_HOST], resource[POSTGRES_NAME + 8];
	struct pg_backup_options how = {
		.conninfo = call->args.values[OPTION_POSTGRES],
		.host = host,
		.writer = "ebb " EBB_VERSION,
	};
	struct point point;
	struct why why = {"no memory"};
	int code = postgres_name(call, &how.name);
	if (!code && call->args.operand_count)
		code = call_fail(EXIT_USAGE, "--postgres saves a server and no PATH");
	if (!code)
		code = keep_open(call, &keep);
	if (code)
		return code;
	backup_host(host);
	snprintf(resource, sizeof(resource), "pg/%s", how.name);
	struct catalog_job job = ledger_begin(&keep, JOB_BACKUP);
	job.resource = resource;
	int err = pg_backup(keep.repo, keep.world->clock, &how, &point, &why);
	struct backup_end end = {err, &why, &point, ret_made};
	return backup_done(call, &keep, &job, &end);
}
