/* SPDX-License-Identifier: Apache-2.0 */
/* How the node is, as ebbd says. */
#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "ebb/call.h"
#include "ebb/daemon.h"
#include "ebb/exit.h"
#include "ebb/status_text.h"
#include "talk/metrics_text.h"

/* All that is measured, piece by piece, as Prometheus reads it. */
static int print_metrics(const struct call *call)
{
	OWN(str_done) struct str text = {0};
	char from[24] = "0";
	const char *const words[] = {"metrics", from};
	json_t *metrics = json_array();
	json_int_t next = 0;
	int code;
	do {
		json_t *answer = NULL;
		snprintf(from, sizeof(from), "%lld", (long long)next);
		code = daemon_ask(call, words, 2, &answer);
		json_array_extend(metrics, json_object_get(answer, "metrics"));
		next = json_integer_value(json_object_get(answer, "next"));
		json_decref(answer);
	} while (!code && next);
	if (!code)
		metrics_text(metrics, &text);
	json_decref(metrics);
	return code ? code : call_print(&text);
}

int call_status(const struct call *call)
{
	static const char *const words[] = {"status"};
	OWN(str_done) struct str text = {0};
	json_t *answer = NULL;
	if (args_given(&call->args, OPTION_PROMETHEUS))
		return args_given(&call->args, OPTION_JSON)
			? call_fail(EXIT_USAGE, "--json or --prometheus, not both")
			: print_metrics(call);
	int code = daemon_ask(call, words, 1, &answer);
	if (!code && args_given(&call->args, OPTION_JSON)) {
		code = call_print_json(answer);
	} else if (!code) {
		status_text(answer, call->color, &text);
		json_decref(answer);
		code = call_print(&text);
	}
	return code;
}
