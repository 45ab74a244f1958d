/* SPDX-License-Identifier: Apache-2.0 */
/* The recovery points of a repository. */
#include <inttypes.h>
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "ebb/call.h"
#include "ebb/exit.h"
#include "ebb/keep.h"
#include "repo/point.h"

/* A line for people, or an object in the list for programs. A point that cannot be read says so. */
static int add_point(struct keep *keep, const struct object_id *id, json_t *list, struct str *text)
{
	struct point point;
	struct why why;
	char hex[33], end[UNITS_TEXT];
	object_show_id(id, hex);
	int err = repo_point(keep->repo, id, &point, &why);
	if (err) {
		call_fail(EXIT_DAMAGED, "point %.8s: %s", hex, why.text);
		return EXIT_DAMAGED;
	}
	json_array_append_new(list, keep_point_json(&point));
	str_addf(text, "%.8s  %.19sZ  %10" PRIu64 " entries  %10.1f MiB  %10.1f MiB new  %s%s\n",
		hex, units_show_time(point.end_ns, end), point.entries,
		(double)point.source_bytes / 1048576, (double)point.new_bytes / 1048576,
		point.resource, point.partial ? "  partial" : "");
	return EXIT_OK;
}

int call_snap_ls(const struct call *call)
{
	OWN(keep_done) struct keep keep = {0};
	OWN(str_done) struct str text = {0};
	int code = keep_open(call, &keep);
	if (code)
		return code;
	json_t *list = json_array();
	const struct head *head = repo_head(keep.repo);
	for (size_t i = 0; i < head->points.len; i++) {
		int bad = add_point(&keep, &head->points.at[i].id, list, &text);
		code = bad ? bad : code;
	}
	int printed;
	if (args_given(&call->args, OPTION_JSON)) {
		printed = keep_print_json(json_pack("{s:s,s:I,s:o}", "type", "points", "generation",
			(json_int_t)head->generation, "points", list));
	} else {
		json_decref(list);
		str_addf(&text, "generation %" PRIu64 ", %zu points\n", head->generation,
			head->points.len);
		printed = call_print(&text);
	}
	return code ? code : printed;
}
