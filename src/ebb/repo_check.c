/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a repository fits together; what can be made anew out of the rest; and that it has no
 * lock. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/ledger.h"
#include "repo/renew.h"
#include "repo/structure.h"

static void on_trouble(void *arg, const char *what)
{
	(void)arg;
	call_fail(EXIT_DAMAGED, "%s", what);
}

/* The points from the repository; what cannot come from there is said. */
static int rebuild_catalog(struct keep *keep, struct catalog_synced *ret_synced)
{
	struct ledger ledger;
	struct why why = {""};
	int code = ledger_remove(keep);
	if (code)
		return code;
	if (!ledger_open(keep, true, &ledger))
		return EXIT_FAILED;
	int err = catalog_sync(ledger.catalog, keep->repo, ret_synced, &why);
	ledger_close(&ledger);
	return err ? call_fail(EXIT_FAILED, "%s", why.text) : EXIT_OK;
}

struct rebuilt {
	bool asked;
	struct rebuild_result index;
	struct catalog_synced catalog;
};

static int rebuild(struct keep *keep, struct rebuilt *rebuilt)
{
	struct why why = {""};
	rebuilt->asked = true;
	int err = repo_rebuild(keep->repo, &rebuilt->index, &why);
	return err ? keep_fail(keep, err, &why) : rebuild_catalog(keep, &rebuilt->catalog);
}

static int say_json(const struct structure_result *result, const struct rebuilt *rebuilt)
{
	json_t *document = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "check",
		"heads", (json_int_t)result->heads, "indexes", (json_int_t)result->indexes, "packs",
		(json_int_t)result->packs, "packs_unopened", (json_int_t)result->unopened, "points",
		(json_int_t)result->points, "troubles", (json_int_t)result->troubles, "orphans",
		(json_int_t)result->orphans, "orphan_bytes", (json_int_t)result->orphan_bytes);
	if (document && rebuilt->asked)
		json_object_set_new(document, "rebuilt",
			json_pack("{s:I,s:I,s:I,s:I}", "indexes",
				(json_int_t)rebuilt->index.indexes, "packs_read",
				(json_int_t)rebuilt->index.packs, "packs_unreadable",
				(json_int_t)rebuilt->index.unreadable, "catalog_points",
				(json_int_t)rebuilt->catalog.added));
	return call_print_json(document);
}

static int say_result(const struct call *call, const struct structure_result *result,
	const struct rebuilt *rebuilt)
{
	OWN(str_done) struct str text = {0};
	if (args_given(&call->args, OPTION_JSON))
		return say_json(result, rebuilt);
	if (rebuilt->asked && rebuilt->index.indexes)
		str_addf(&text, "%s made anew from %s; %s what is in them\n",
			COUNT(rebuilt->index.indexes, "index was", "indexes were"),
			COUNT(rebuilt->index.packs, "pack", "packs"),
			COUNT(rebuilt->index.unreadable, "pack does not tell",
				"packs do not tell"));
	if (rebuilt->asked)
		str_addf(&text,
			"the catalog was made anew with %s. The history of jobs, what was proved "
			"when, and what it knew of "
			"other repositories cannot come from here: the next commands on them, and "
			"`ebb verify`, fill it again\n",
			COUNT(rebuilt->catalog.added, "point", "points"));
	str_addf(&text, "looked at %s, %s, %s, %s\n", COUNT(result->heads, "head", "heads"),
		COUNT(result->indexes, "index", "indexes"), COUNT(result->packs, "pack", "packs"),
		COUNT(result->points, "point", "points"));
	if (result->unopened)
		str_addf(&text, "%s held against the listing alone\n",
			COUNT(result->unopened, "pack was", "packs were"));
	if (result->orphans)
		str_addf(&text,
			"%s named by nothing, %s: the next backup takes that in, or `ebb repo gc` "
			"removes it\n",
			COUNT(result->orphans, "object is", "objects are"),
			BYTES(result->orphan_bytes));
	str_addf(&text, "%s",
		result->troubles ? "something does not fit: the lines above say what\n"
				 : "all of it fits together; `ebb verify` reads what is in it\n");
	return call_print(&text);
}

int call_repo_check(const struct call *call)
{
	OWN(keep_done) struct keep keep = {.without_index = true};
	struct structure_result result = {0};
	struct rebuilt rebuilt = {0};
	struct why why = {""};
	int code = keep_open(call, &keep);
	if (code)
		return code;
	struct catalog_job job = ledger_begin(&keep, JOB_CHECK);
	if (args_given(&call->args, OPTION_REBUILD))
		code = rebuild(&keep, &rebuilt);
	if (code)
		return code;
	const struct structure_options how = {
		.by_listing = args_given(&call->args, OPTION_LISTED), .on_trouble = on_trouble};
	int err = repo_check_structure(keep.repo, &how, &result, &why);
	if (err)
		return keep_fail(&keep, err, &why);
	code = say_result(call, &result, &rebuilt);
	return ledger_end(&keep, &job, code ? code : result.troubles ? EXIT_DAMAGED : EXIT_OK);
}

int call_repo_unlock(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(str_done) struct str text = {0};
	int code = keep_open(call, &keep);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_JSON))
		return call_print_json(json_pack("{s:s,s:i}", "type", "unlock", "removed", 0));
	str_add(&text,
		"there is nothing to unlock: nobody locks a repository. Writers race for the next "
		"head, and the place tells who was first; what a killed one claimed there expires "
		"by itself\n");
	return call_print(&text);
}
