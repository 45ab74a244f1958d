/* SPDX-License-Identifier: Apache-2.0 */
/* The table of paths, and finding one's way in it. */
#include "web/site.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "web/api.h"
#include "web/page.h"

const struct route site_routes[] = {
	{METHOD_GET, "/healthz", ROLE_NONE, "", api_healthz},
	{METHOD_GET, "/readyz", ROLE_NONE, "", api_readyz},
	{METHOD_GET, "/metrics", ROLE_VIEWER, "", api_metrics},
	{METHOD_GET, "/api/v1/status", ROLE_VIEWER, "", api_status},
	{METHOD_GET, "/api/v1/resources", ROLE_VIEWER, "", api_resources},
	{METHOD_GET, "/api/v1/resources/{name}", ROLE_VIEWER, "", api_resource},
	{METHOD_GET, "/api/v1/resources/{name}/why", ROLE_VIEWER, "", api_why},
	{METHOD_GET, "/api/v1/resources/{name}/outlook", ROLE_VIEWER, "horizon", api_outlook},
	{METHOD_GET, "/api/v1/resources/{name}/what-if", ROLE_VIEWER, "rpo", api_what_if},
	{METHOD_POST, "/api/v1/resources/{name}/now", ROLE_ADMIN, "", api_now},
	{METHOD_POST, "/api/v1/resources/{name}/cancel", ROLE_ADMIN, "", api_cancel},
	{METHOD_POST, "/api/v1/resources/{name}/pause", ROLE_ADMIN, "", api_pause},
	{METHOD_POST, "/api/v1/resources/{name}/resume", ROLE_ADMIN, "", api_resume},
	{METHOD_GET, "/api/v1/jobs", ROLE_VIEWER, "resource limit below", api_jobs},
	{METHOD_GET, "/api/v1/jobs/{name}", ROLE_VIEWER, "", api_job},
	{METHOD_GET, "/api/v1/jobs/{name}/why", ROLE_VIEWER, "", api_why},
	{METHOD_GET, "/api/v1/series", ROLE_VIEWER, "", api_series},
	{METHOD_GET, "/api/v1/series/{name}/forecast", ROLE_VIEWER, "horizon", api_forecast},
	{METHOD_GET, "/api/v1/points", ROLE_VIEWER, "resource", api_points},
	{METHOD_GET, "/api/v1/tiers", ROLE_VIEWER, "", api_tiers},
	{METHOD_GET, "/api/v1/volumes", ROLE_VIEWER, "", api_volumes},
	{METHOD_GET, "/api/v1/events", ROLE_VIEWER, "", api_events},
	{METHOD_GET, "/api/v1/openapi.json", ROLE_VIEWER, "", api_openapi},
	{METHOD_GET, "/", ROLE_VIEWER, "", page_index},
	{METHOD_GET, "/plain", ROLE_VIEWER, "", page_plain},
	{METHOD_GET, "/assets/plain.css", ROLE_VIEWER, "", page_plain_style},
	{METHOD_GET, "/assets/{name}", ROLE_VIEWER, "", page_asset},
	{0},
};

const struct route site_nothing = {.role = ROLE_VIEWER};

/* Does the path have these segments? */
static bool is_at(const char *path, const struct request *request)
{
	size_t i = 0;
	for (path++; *path && i < request->segment_count; i++) {
		size_t len = strcspn(path, "/");
		const char *segment = request->segments[i];
		if (*path != '{' && (strlen(segment) != len || memcmp(segment, path, len) != 0))
			return false;
		path += len + (path[len] == '/');
	}
	return !*path && i == request->segment_count;
}

int site_find(const struct request *request, const struct route **ret_route, const char **ret_allow)
{
	unsigned asked = request->method == METHOD_HEAD ? METHOD_GET : request->method;
	unsigned methods = 0;
	for (const struct route *route = site_routes; route->path; route++) {
		if (!is_at(route->path, request))
			continue;
		if (route->methods & asked) {
			*ret_route = route;
			return 0;
		}
		methods |= route->methods;
	}
	if (!methods)
		return 404;
	*ret_allow = methods == METHOD_POST ? "POST"
		: methods == METHOD_GET     ? "GET, HEAD"
					    : "GET, HEAD, POST";
	return 405;
}

static bool knows(const struct route *route, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = route->params; *at;) {
		size_t part = strcspn(at, " ");
		if (part == len && memcmp(at, name, len) == 0)
			return true;
		at += part + (at[part] == ' ');
	}
	return false;
}

void site_answer(const struct site *site, const struct route *route, const struct request *request,
	struct answer *ret_answer)
{
	struct why why;
	for (size_t i = 0; i < request->param_count; i++)
		if (!knows(route, request->params[i].name)) {
			why_set(&why, -1, "%s knows no parameter %.64s%s%s", route->path,
				request->params[i].name, *route->params ? ": there are " : "",
				route->params);
			answer_refuse(ret_answer, 400, why.text, "see /api/v1/openapi.json");
			return;
		}
	route->answer(site, request, ret_answer);
}
