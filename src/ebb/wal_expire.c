/* SPDX-License-Identifier: Apache-2.0 */
/* `wal expire`. */
#include "ebb/wal_expire.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/backup.h"
#include "ebb/call.h"
#include "ebb/consent.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/postgres.h"
#include "ebb/shown.h"
#include "os/world.h"
#include "repo/inbox.h"

static void wal_close_own(struct wal_archive *archive)
{
	wal_close(archive);
}

struct wal_expire_options wal_expire_how(const struct keep *keep, const char *name)
{
	return (struct wal_expire_options){.wal = {.clock = keep->world->clock,
						   .name = name,
						   .host = "",
						   .writer = "ebb " EBB_VERSION}};
}

int wal_expire_one(
	struct keep *keep, const struct wal_expire_options *how, struct wal_expired *ret_expired)
{
	OWN(wal_close_own) struct wal_archive archive = {0};
	struct why why = {"no memory"};
	int err = wal_open(keep->repo, how->wal.name, &archive, &why);
	if (!err && !archive.points.len)
		return call_fail(EXIT_NO_OBJECT, "there is no WAL archive %s here", how->wal.name);
	if (!err)
		err = wal_expire(&archive, how, ret_expired, &why);
	return err ? keep_fail(keep, err == -ENOENT ? -EBADMSG : err, &why) : EXIT_OK;
}

void wal_expire_add(struct str *text, const char *name, const struct wal_expired *expired)
{
	char end[UNITS_TEXT], hex[33];
	str_add(text, "wal/");
	shown_add(text, name, strlen(name));
	if (!expired->any) {
		str_addf(text, ": no base backup pg/%s is here to go by: all %s\n", name,
			COUNT(expired->staying, "file stays", "files stay"));
		return;
	}
	str_addf(text, ": %s, %s, before %s, where base backup %.8s of %.19sZ begins; %s\n",
		COUNT(expired->files, "file goes", "files go"), BYTES(expired->bytes),
		expired->from, object_show_id(&expired->oldest.id, hex),
		units_show_time(expired->oldest.end_ns, end),
		COUNT(expired->staying, "file stays", "files stay"));
}

static int say(const struct call *call, const struct wal_expire_options *how,
	const struct wal_expired *expired)
{
	OWN(str_done) struct str text = {0};
	char hex[33];
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:b,s:I,s:I,s:I,s:s?,s:s?}", "type",
			"wal-expire", "dry_run", how->dry_run, "files", (json_int_t)expired->files,
			"bytes", (json_int_t)expired->bytes, "staying",
			(json_int_t)expired->staying, "oldest",
			expired->any ? object_show_id(&expired->oldest.id, hex) : NULL, "from",
			expired->any ? expired->from : NULL));
	wal_expire_add(&text, how->wal.name, expired);
	return call_print(&text);
}

/* Looks first, so that there is something to ask about. */
static int look_and_ask(
	struct keep *keep, struct wal_expire_options *how, struct wal_expired *expired)
{
	char what[POINT_TEXT + 100];
	how->dry_run = true;
	int code = wal_expire_one(keep, how, expired);
	how->dry_run = args_given(&keep->call->args, OPTION_DRY_RUN);
	if (code || how->dry_run || !expired->files)
		return code;
	snprintf(what, sizeof(what), "removes %s of WAL, %s, from the archive %s for ever",
		COUNT(expired->files, "file", "files"), BYTES(expired->bytes), how->wal.name);
	return consent(keep->call, what);
}

int call_wal_expire(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	const char *name, *within = call->args.values[OPTION_KEEP_WITHIN];
	struct inbox_result brought;
	struct wal_expired expired;
	int64_t reach_ns = 0;
	char host[BACKUP_HOST];
	struct why why;
	int code = postgres_name(call, &name);
	if (!code && within && units_duration(within, &reach_ns, &why))
		code = call_fail(EXIT_USAGE, "--keep-within: %s", why.text);
	if (!code)
		code = keep_open(call, &keep);
	/* A base backup that waits in the inbox counts, too. */
	if (!code && !args_given(&call->args, OPTION_DRY_RUN))
		code = adopt_inbox(&keep, &brought);
	if (code)
		return code;
	struct wal_expire_options how = wal_expire_how(&keep, name);
	backup_host(host);
	how.wal.host = host;
	how.reach_ns = reach_ns;
	code = look_and_ask(&keep, &how, &expired);
	if (!code && !how.dry_run && expired.files)
		code = wal_expire_one(&keep, &how, &expired);
	return code ? code : say(call, &how, &expired);
}
