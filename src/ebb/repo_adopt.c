/* SPDX-License-Identifier: Apache-2.0 */
/* What writers that cannot read have brought becomes points. */
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "repo/inbox.h"
#include "ship/need.h"

static void on_inbox(void *arg, const char *name, const struct why *why)
{
	(void)arg;
	if (why)
		call_fail(EXIT_PARTIAL, "%.14s: refused: %s", name, why->text);
}

int adopt_inbox(struct keep *keep, struct inbox_result *ret_result)
{
	struct inbox_options how = {.walk = need_walk, .on_inbox = on_inbox};
	struct why why = {""};
	int err = repo_inbox_adopt(keep->repo, &how, ret_result, &why);
	return err ? keep_fail(keep, err, &why) : EXIT_OK;
}

int call_repo_adopt(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(str_done) struct str text = {0};
	struct inbox_result result = {0};
	int code = keep_open(call, &keep);
	if (!code)
		code = adopt_inbox(&keep, &result);
	if (code)
		return code;
	if (args_given(&call->args, OPTION_JSON)) {
		code = call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I}", "type", "repo-adopt",
			"adopted", (json_int_t)result.adopted, "refused",
			(json_int_t)result.refused, "packs", (json_int_t)result.packs, "chunks",
			(json_int_t)result.chunks));
	} else {
		str_addf(&text, "took in %s, refused %" PRIu64 "; proved %s with %s\n",
			COUNT(result.adopted, "point", "points"), result.refused,
			COUNT(result.packs, "pack", "packs"),
			COUNT(result.chunks, "chunk", "chunks"));
		code = call_print(&text);
	}
	return code ? code : result.refused ? EXIT_PARTIAL : EXIT_OK;
}
