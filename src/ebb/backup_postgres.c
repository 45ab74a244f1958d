/* SPDX-License-Identifier: Apache-2.0 */
/* A PostgreSQL cluster into a repository. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/exit.h"
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
	OWN(backup_run_done) struct backup_run run = {0};
	char resource[POSTGRES_NAME + 8];
	struct pg_backup_options how = {
		.conninfo = call->args.values[OPTION_POSTGRES],
		.writer = "ebb " EBB_VERSION,
		.on_progress = meter_on_backup,
		.arg = &run.meter,
	};
	struct why why = {"no memory"};
	int code = postgres_name(call, &how.name);
	if (!code && call->args.operand_count)
		code = call_fail(EXIT_USAGE, "--postgres saves a server and no PATH");
	if (code)
		return code;
	snprintf(resource, sizeof(resource), "pg/%s", how.name);
	code = backup_begin(call, resource, &run);
	if (code)
		return code;
	how.host = run.host;
	how.pace = run.keep.limit.source;
	run.unsampled = true;
	int err = run.dry ? pg_size(how.conninfo, &run.source_bytes, &why)
			  : pg_backup(run.keep.repo, run.keep.world->clock, &how, &run.point, &why);
	return backup_done(&run, err, &why, ret_made);
}
