/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request: lines of method, target, Host, Origin, Sec-Fetch-Site and Authorization.
 * What is let through holds what the headers of this room promise.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/must.h"
#include "base/own.h"
#include "base/utf8.h"
#include "base/why.h"
#include "web/gate.h"
#include "web/request.h"
#include "web/site.h"

enum { LINES = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
	size_t len = strlen(text);
	for (size_t at = 0; at < len;) {
		uint32_t code;
		size_t bytes = utf8_take(text + at, len - at, &code);
		must(bytes && utf8_is_shown(code));
		at += bytes;
	}
}

static void check_request(const struct request *request)
{
	must(request->segment_count <= REQUEST_SEGMENTS && request->param_count <= REQUEST_PARAMS);
	for (size_t i = 0; i < request->segment_count; i++) {
		const char *segment = request->segments[i];
		check_text(segment);
		must(*segment && strcmp(segment, ".") != 0 && strcmp(segment, "..") != 0);
	}
	for (size_t i = 0; i < request->param_count; i++) {
		check_text(request->params[i].name);
		check_text(request->params[i].value);
		must(request_param(request, request->params[i].name) == request->params[i].value);
	}
}

static void try_route(const struct request *request)
{
	const struct route *route = NULL;
	const char *allow = NULL;
	int status = site_find(request, &route, &allow);
	must(status == 0 || status == 404 || status == 405);
	must((status == 0) == (route != NULL) && (status == 405) == (allow != NULL));
	int64_t value = 7;
	struct why why;
	if (request_number(request, "limit", 100, &value, &why) == 0)
		must(value >= 0 && value <= 100);
	value = 60;
	if (request_duration(request, "horizon", 60, 3600, &value, &why) == 0)
		must(value >= 60 && value <= 3600);
}

/* Said once more, in another way. */
static bool is_our_host(const char *host)
{
	static const char *const ours[] = {"localhost", "127.0.0.1", "[::1]", "ebb.example"};
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		size_t len = strlen(ours[i]);
		if (strncasecmp(host, ours[i], len) == 0 && (!host[len] || host[len] == ':'))
			return true;
	}
	return false;
}

static void try_gate(const struct gate *gate, char *const *lines, enum door door)
{
	struct visitor visitor = {
		.door = door,
		.uid = 1000,
		.host_count = 1,
		.host = lines[2],
		.origin = *lines[3] ? lines[3] : NULL,
		.fetch_site = *lines[4] ? lines[4] : NULL,
		.authorization = *lines[5] ? lines[5] : NULL,
	};
	enum role role = ROLE_NONE;
	struct why why;
	int status = gate_judge(gate, &visitor, &role, &why);
	must(status == 0 || status == 400 || status == 401 || status == 403);
	if (status)
		return;
	must(door == DOOR_UNIX || is_our_host(visitor.host));
	if (visitor.origin)
		must(strlen(visitor.origin) > strlen(visitor.host));
	if (role == ROLE_ADMIN)
		must(strstr(lines[5], "sixteen-letters!") || strstr(lines[5], "Basic") ||
			strcasestr(lines[5], "basic"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWN(own_free) char *text = malloc(size + 1);
	struct gate gate = {
		.loopback = ROLE_VIEWER, .address = "127.0.0.1", .hosts = "ebb.example"};
	struct request request;
	struct why why;
	char *lines[LINES], *at = text;
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	for (int i = 0; i < LINES; i++) {
		lines[i] = at;
		at += strcspn(at, "\n");
		if (*at)
			*at++ = '\0';
	}
	must(gate_token(&gate, "sixteen-letters!\n", 17, &why) == 0);
	if (request_read(lines[0], lines[1], &request, &why) == 0) {
		check_request(&request);
		try_route(&request);
	}
	for (enum door door = DOOR_UNIX; door < DOORS; door++)
		try_gate(&gate, lines, door);
	struct gate other = {0};
	if (gate_token(&other, text, strlen(text), &why) == 0)
		must(other.has_token);
	return 0;
}
