/* SPDX-License-Identifier: Apache-2.0 */
/* Proving that a repository holds what it says, and mending what parity can. */
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ship/verify.h"

static void on_trouble(void *arg, const char *what)
{
	(void)arg;
	fprintf(stderr, "ebb: %s\n", what);
}

static json_t *result_json(const struct verify_result *result)
{
	const struct check_result *check = &result->check;
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "verify", "objects",
		(json_int_t)check->objects, "bytes", (json_int_t)check->bytes, "chunks",
		(json_int_t)check->chunks, "mendable", (json_int_t)check->mendable, "mended",
		(json_int_t)check->mended, "damaged", (json_int_t)check->damaged, "points",
		(json_int_t)result->points, "broken", (json_int_t)result->broken, "missing",
		(json_int_t)result->missing);
}

static int say_result(const struct call *call, const struct verify_result *result)
{
	OWN(str_done) struct str text = {0};
	const struct check_result *check = &result->check;
	if (args_given(&call->args, OPTION_JSON))
		return keep_print_json(result_json(result));
	str_addf(&text,
		"read back %" PRIu64 " objects, %.1f MiB, %" PRIu64 " chunks; followed %" PRIu64
		" points\n",
		check->objects, (double)check->bytes / 1048576, check->chunks, result->points);
	if (check->mendable)
		str_addf(&text, "%" PRIu64 " objects were damaged, %" PRIu64 " mended%s\n",
			check->mendable, check->mended,
			check->mended < check->mendable ? "; --repair mends the others" : "");
	if (check->damaged || result->missing)
		str_addf(&text,
			"%" PRIu64 " objects or chunks are beyond repair; %" PRIu64 " of %" PRIu64
			" points miss something\n",
			check->damaged, result->broken, result->points);
	else if (!check->mendable)
		str_add(&text, "all of it is as it was written\n");
	return call_print(&text);
}

int call_verify(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	struct verify_result result;
	struct why why = {""};
	int code = keep_open(call, &keep);
	if (code)
		return code;
	struct check_options how = {
		.repair = args_given(&call->args, OPTION_REPAIR), .on_trouble = on_trouble};
	int err = verify_repo(keep.repo, &how, &result, &why);
	if (err)
		return keep_fail(&keep, err, &why);
	code = say_result(call, &result);
	bool whole = !result.check.damaged && !result.missing &&
		result.check.mended == result.check.mendable;
	return code ? code : whole ? EXIT_OK : EXIT_DAMAGED;
}
