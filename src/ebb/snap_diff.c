/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two recovery points. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/why.h"
#include "ebb/amount.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "ebb/shown.h"
#include "repo/point.h"
#include "ship/diff.h"
#include "ship/image_diff.h"
#include "ship/tree.h"

struct telling {
	bool json;
	int code;
	struct str line;
};

/* As restic's: scripts that read one read the other. */
static char letter_of(const struct diff_change *change)
{
	if (!change->before)
		return '+';
	if (!change->after)
		return '-';
	if (change->how & DIFF_TYPE)
		return 'T';
	return change->how & DIFF_CONTENT ? 'M' : 'U';
}

static const char *word_of(char letter)
{
	switch (letter) {
	case '+':
		return "added";
	case '-':
		return "removed";
	case 'T':
		return "type";
	case 'M':
		return "content";
	default:
		return "metadata";
	}
}

static bool is_file(const struct tree_entry *entry)
{
	return entry && entry->meta.type == FILES_FILE;
}

static json_t *change_json(const struct diff_change *change)
{
	json_t *line = json_pack(
		"{s:s,s:s}", "type", "change", "change", word_of(letter_of(change)));
	if (!line)
		return NULL;
	shown_set(line, "path", change->path, change->path_len);
	if (is_file(change->before))
		json_object_set_new(
			line, "size_before", json_integer((json_int_t)change->before->meta.size));
	if (is_file(change->after))
		json_object_set_new(
			line, "size_after", json_integer((json_int_t)change->after->meta.size));
	return line;
}

static void on_change(void *arg, const struct diff_change *change)
{
	struct telling *telling = arg;
	const struct tree_entry *either = change->after ? change->after : change->before;
	if (telling->code)
		return;
	if (telling->json) {
		telling->code = call_print_json(change_json(change));
		return;
	}
	str_clear(&telling->line);
	str_addf(&telling->line, "%c  ", letter_of(change));
	if (is_file(either))
		str_addf(&telling->line, "%12" PRIu64 "  ", either->meta.size);
	else
		str_addf(&telling->line, "%12s  ", "");
	shown_add(&telling->line, change->path, change->path_len);
	str_add(&telling->line, either->meta.type == FILES_FOLDER ? "/\n" : "\n");
	telling->code = call_print(&telling->line);
}

static int say_result(bool json, const struct diff_result *result)
{
	OWN(str_done) struct str text = {0};
	if (json)
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "type", "diff",
			"added", (json_int_t)result->added, "removed", (json_int_t)result->removed,
			"changed", (json_int_t)result->changed, "added_bytes",
			(json_int_t)result->added_bytes, "removed_bytes",
			(json_int_t)result->removed_bytes, "folders_read",
			(json_int_t)result->folders));
	str_addf(&text, "%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " changed; +%s, -%s\n",
		result->added, result->removed, result->changed, BYTES(result->added_bytes),
		BYTES(result->removed_bytes));
	return call_print(&text);
}

/* ---- images ---- */

/* As --changed takes it. */
static void on_range(void *arg, uint64_t from, uint64_t to)
{
	struct telling *telling = arg;
	if (telling->code)
		return;
	if (telling->json) {
		telling->code = call_print_json(json_pack("{s:s,s:I,s:I}", "type", "range",
			"offset", (json_int_t)from, "length", (json_int_t)(to - from)));
		return;
	}
	str_clear(&telling->line);
	str_addf(&telling->line, "%" PRIu64 ",%" PRIu64 "\n", from, to - from);
	telling->code = call_print(&telling->line);
}

static int say_image_result(bool json, const struct image_diff_result *result)
{
	OWN(str_done) struct str text = {0};
	if (json)
		return call_print_json(json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "type", "image-diff",
			"ranges", (json_int_t)result->ranges, "bytes", (json_int_t)result->bytes,
			"zero_bytes", (json_int_t)result->zero_bytes, "size_before",
			(json_int_t)result->size_before, "size_after",
			(json_int_t)result->size_after));
	str_addf(&text, "# %s in %s, of %s", COUNT(result->bytes, "byte differs", "bytes differ"),
		COUNT(result->ranges, "range", "ranges"), BYTES(result->size_after));
	if (result->size_before != result->size_after)
		str_addf(&text, " (before, %s)", BYTES(result->size_before));
	if (result->zero_bytes)
		str_addf(&text, "; %s of them are zeros now", BYTES(result->zero_bytes));
	str_add(&text, "\n");
	return call_print(&text);
}

static int diff_images(struct keep *keep, const struct point *before, const struct point *after,
	struct telling *telling)
{
	struct image_diff_options how = {.on_range = on_range, .arg = telling};
	struct image_diff_result result;
	struct why why = {"no memory"};
	if (keep->call->args.operand_count > 2)
		return call_fail(EXIT_USAGE, "PATH: these points are images, which have none");
	int err = image_diff(keep->repo, before, after, &how, &result, &why);
	str_done(&telling->line);
	if (err)
		return keep_fail(keep, err == -ENOENT ? -EBADMSG : err, &why);
	return telling->code ? telling->code : say_image_result(telling->json, &result);
}

int call_snap_diff(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	const struct args *args = &call->args;
	struct telling telling = {.json = args_given(args, OPTION_JSON)};
	struct point before, after;
	struct diff_result result = {0};
	struct why why = {""};
	if (args->operand_count < 2)
		return call_fail(EXIT_USAGE,
			"snap diff wants two points: ebb snap diff 3f2a latest; see `ebb help snap "
			"diff`");
	int code = keep_open(call, &keep);
	if (!code)
		code = keep_find_point(&keep, args->operands[0], &before);
	if (!code)
		code = keep_find_point(&keep, args->operands[1], &after);
	if (code)
		return code;
	if (before.source == POINT_IMAGE && after.source == POINT_IMAGE)
		return diff_images(&keep, &before, &after, &telling);
	struct diff_options how = {
		.path = args->operand_count > 2 ? args->operands[2] : NULL,
		.on_change = on_change,
		.arg = &telling,
	};
	int err = diff_points(keep.repo, &before, &after, &how, &result, &why);
	str_done(&telling.line);
	if (err == -ENOTSUP)
		return call_fail(EXIT_USAGE, "%s", why.text);
	if (err)
		return keep_fail(&keep, err == -ENOENT ? -EBADMSG : err, &why);
	return telling.code ? telling.code : say_result(telling.json, &result);
}
