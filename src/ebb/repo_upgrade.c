/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a repository that an earlier ebb made to what this one knows. */
#include "repo/upgrade.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"

static int say_json(const struct upgrade_result *result, bool dry_run)
{
	return call_print_json(json_pack("{s:s,s:i,s:b,s:b,s:I,s:I,s:I,s:I}", "type",
		"repo-upgrade", "format", REPO_FORMAT, "dry_run", dry_run, "raised", result->raised,
		"indexes", (json_int_t)result->indexes, "old", (json_int_t)result->old, "renewed",
		(json_int_t)result->renewed, "packs_unreadable", (json_int_t)result->unreadable));
}

static void say_plan(struct str *text, const struct upgrade_result *result)
{
	if (result->raised)
		str_add(text,
			"would say first that readers have to know of lengths: an ebb that does "
			"not refuses the repository from then on\n");
	if (result->old)
		str_addf(text, "would write %s anew, with the lengths of packs\n",
			COUNT(result->old, "index", "indexes"));
}

static void say_done(struct str *text, const struct upgrade_result *result)
{
	if (result->raised)
		str_add(text,
			"readers have to know of lengths now: an ebb that does not refuses the "
			"repository\n");
	if (result->renewed)
		str_addf(text, "wrote %s anew, with the lengths of packs\n",
			COUNT(result->renewed, "index", "indexes"));
	if (result->unreadable)
		str_addf(text,
			"%s not tell how long they are: `ebb verify --repair` mends them, then "
			"run this again\n",
			COUNT(result->unreadable, "pack does", "packs do"));
	else if (result->renewed < result->old)
		str_addf(text, "%s written by somebody else meanwhile: run it again\n",
			COUNT(result->old - result->renewed, "index was", "indexes were"));
}

static int say_result(const struct call *call, const struct upgrade_result *result, bool dry_run)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return say_json(result, dry_run);
	if (!result->raised && !result->old)
		str_add(&text, "the repository has all that this ebb knows: nothing to upgrade\n");
	else if (dry_run)
		say_plan(&text, result);
	else
		say_done(&text, result);
	return call_print(&text);
}

int call_repo_upgrade(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	struct upgrade_options how = {.dry_run = args_given(&call->args, OPTION_DRY_RUN)};
	struct upgrade_result result = {0};
	struct why why = {""};
	int code = keep_open(call, &keep);
	if (code)
		return code;
	int err = repo_upgrade(keep.repo, &how, &result, &why);
	if (err)
		return keep_fail(&keep, err, &why);
	code = say_result(call, &result, how.dry_run);
	bool left = !how.dry_run && (result.unreadable || result.renewed < result.old);
	return code ? code : left ? EXIT_PARTIAL : EXIT_OK;
}
