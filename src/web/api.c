/* SPDX-License-Identifier: Apache-2.0 */
/* One question each. */
#include "web/api.h"

#include <errno.h>
#include <jansson.h>

#include "base/why.h"
#include "node/document.h"
#include "talk/metrics_text.h"
#include "web/asset.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

static void answer_document(const struct site *site, node_document_fn *document,
	const struct node_ask *ask, struct answer *ret)
{
	struct why why = {""};
	json_t *found = NULL;
	int err = document(site->node, ask, &found, &why);
	if (err)
		answer_failure(ret, err, &why);
	else
		answer_json(ret, found);
}

/* The name in /api/v1/KIND/NAME. */
static struct node_ask named(const struct request *request)
{
	return (struct node_ask){.name = request->segments[3]};
}

/* ---- for those who watch over it ---- */

void api_healthz(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)site, (void)request;
	ret->status = 200;
	ret->type = "text/plain; charset=utf-8";
	str_add(&ret->body, "ok\n");
}

void api_readyz(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	struct why why;
	int err = node_is_ready(site->node, &why);
	ret->status = err ? 503 : 200;
	ret->type = "text/plain; charset=utf-8";
	str_addf(&ret->body, "%s\n", err ? why.text : "ready");
}

void api_metrics(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	struct node_ask ask = {0};
	struct why why = {""};
	json_t *rows = json_array();
	int err = 0;
	do {
		json_t *some = NULL;
		err = node_metrics(site->node, &ask, &some, &why);
		json_array_extend(rows, json_object_get(some, "metrics"));
		ask.from = json_integer_value(json_object_get(some, "next"));
		json_decref(some);
	} while (!err && ask.from);
	ret->status = 200;
	ret->type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_text(rows, &ret->body);
	json_decref(rows);
	if (err || str_error(&ret->body)) {
		str_done(&ret->body);
		answer_refuse(ret, 503, "out of memory", "ask again in a while");
	}
}

void api_events(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)site, (void)request;
	ret->status = 200;
	ret->type = "text/event-stream";
	ret->events = true;
}

void api_openapi(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)site;
	asset_answer_one(&asset_openapi, request, ret);
}

/* ---- documents ---- */

void api_status(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	answer_document(site, node_status, &(struct node_ask){0}, ret);
}

void api_resources(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	answer_document(site, node_resources, &(struct node_ask){0}, ret);
}

void api_resource(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_resources, &ask, ret);
}

void api_jobs(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = {.name = request_param(request, "resource")};
	struct why why = {""};
	int64_t limit = NODE_JOBS_AT_ONCE;
	int err = request_number(request, "limit", NODE_JOBS_AT_ONCE, &limit, &why);
	if (!err)
		err = request_number(request, "below", INT64_MAX - 1, &ask.below, &why);
	if (!err && !limit)
		err = why_set(&why, -EINVAL, "limit: a number from 1 to %d", NODE_JOBS_AT_ONCE);
	ask.limit = (size_t)limit;
	if (err)
		answer_failure(ret, err, &why);
	else
		answer_document(site, node_jobs, &ask, ret);
}

void api_job(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_job, &ask, ret);
}

void api_why(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_why, &ask, ret);
}

static void answer_ahead(const struct site *site, const struct request *request,
	node_document_fn *document, int64_t most_s, struct answer *ret)
{
	struct node_ask ask = named(request);
	struct why why = {""};
	ask.horizon_s = DAY_S;
	int err = request_duration(request, "horizon", HOUR_S, most_s, &ask.horizon_s, &why);
	if (err)
		answer_failure(ret, err, &why);
	else
		answer_document(site, document, &ask, ret);
}

void api_outlook(const struct site *site, const struct request *request, struct answer *ret)
{
	answer_ahead(site, request, node_outlook, 2 * DAY_S, ret);
}

void api_forecast(const struct site *site, const struct request *request, struct answer *ret)
{
	answer_ahead(site, request, node_forecast, 7 * DAY_S, ret);
}

void api_what_if(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	struct why why = {""};
	int err = request_duration(request, "rpo", MINUTE_S, 365 * DAY_S, &ask.rpo_s, &why);
	if (!err && !ask.rpo_s)
		err = why_set(&why, -EINVAL,
			"rpo is missing: what if points had to be at most how "
			"old? ?rpo=15m");
	if (err)
		answer_failure(ret, err, &why);
	else
		answer_document(site, node_what_if, &ask, ret);
}

void api_series(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	answer_document(site, node_series, &(struct node_ask){0}, ret);
}

void api_points(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = {.name = request_param(request, "resource")};
	answer_document(site, node_points, &ask, ret);
}

void api_tiers(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	answer_document(site, node_tiers, &(struct node_ask){0}, ret);
}

void api_volumes(const struct site *site, const struct request *request, struct answer *ret)
{
	(void)request;
	answer_document(site, node_volumes, &(struct node_ask){0}, ret);
}

void api_now(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_now, &ask, ret);
}

void api_cancel(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_cancel, &ask, ret);
}

void api_pause(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_pause, &ask, ret);
}

void api_resume(const struct site *site, const struct request *request, struct answer *ret)
{
	struct node_ask ask = named(request);
	answer_document(site, node_resume, &ask, ret);
}
