/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as the library tells of it: its target, then its headers, then its body, which nobody
 * needs; then its answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/why.h"
#include "os/clock.h"
#include "os/world.h"
#include "web/inside.h"

static struct client *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

void *ask_begins(void *arg, const char *target, struct MHD_Connection *connection)
{
	(void)arg;
	struct client *client = client_of(connection);
	if (client) {
		snprintf(client->target, sizeof(client->target), "%s", target);
		client->judged = false;
		if (!client->asking)
			client_expect(client, WEB_ASK_NS);
		client->asking = true;
	}
	return client;
}

/* ---- answers ---- */

static const char page_policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'";

static const char *const headers[][2] = {
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"X-Frame-Options", "DENY"},
	{"Content-Security-Policy", page_policy},
};

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void add_headers(struct MHD_Response *response, const struct answer *answer)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		MHD_add_response_header(response, headers[i][0], headers[i][1]);
	if (answer->type)
		MHD_add_response_header(response, "Content-Type", answer->type);
	if (answer->allow)
		MHD_add_response_header(response, "Allow", answer->allow);
	if (answer->challenge)
		MHD_add_response_header(
			response, "WWW-Authenticate", "Basic realm=\"ebb\", charset=\"UTF-8\"");
	if (answer->status == 429 || answer->status == 503)
		MHD_add_response_header(response, "Retry-After", "1");
	if (answer->gzip)
		MHD_add_response_header(response, "Content-Encoding", "gzip");
	if (*answer->etag)
		MHD_add_response_header(response, "ETag", answer->etag);
	if (*answer->etag)
		MHD_add_response_header(response, "Vary", "Accept-Encoding");
	MHD_add_response_header(response, "Cache-Control", *answer->etag ? "no-cache" : "no-store");
}

static struct MHD_Response *make_response(struct answer *answer)
{
	union {
		const void *borrowed;
		void *passed;
	} fixed = {answer->fixed ? (const void *)answer->fixed : ""};
	size_t len = answer->body.len;
	char *body = !answer->fixed && len ? str_take(&answer->body) : NULL;
	if (!body)
		return MHD_create_response_from_buffer(
			answer->fixed_len, fixed.passed, MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, body, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(body);
	return response;
}

static enum MHD_Result queue(
	struct client *client, struct MHD_Connection *connection, struct answer *answer)
{
	struct MHD_Response *response = answer->events
		? stream_start(client, connection, header(connection, "Last-Event-ID"))
		: make_response(answer);
	if (!response)
		return MHD_NO; /* which hangs up */
	add_headers(response, answer);
	client_expect(client, WEB_TAKE_NS);
	enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(
	struct client *client, struct MHD_Connection *connection, int status, const struct why *why)
{
	OWN(answer_done) struct answer answer = {0};
	static const struct {
		int status;
		const char *what_to_do;
	} todo[] = {
		{400, "see /api/v1/openapi.json"},
		{401, "show the token: Authorization: Bearer TOKEN"},
		{403, "use the Unix socket, or show a token: docs/guide/api.md"},
		{404, "see /api/v1/openapi.json"},
		{405, "see the header Allow"},
		{413, "send no body"},
		{414, "see /api/v1/openapi.json"},
		{429, "wait a second"},
	};
	const char *what_to_do = NULL;
	for (size_t i = 0; i < sizeof(todo) / sizeof(*todo); i++)
		if (todo[i].status == status)
			what_to_do = todo[i].what_to_do;
	answer_refuse(&answer, status, why->text, what_to_do);
	answer.challenge = status == 401;
	if (status == 405)
		answer.allow = client->allow;
	return queue(client, connection, &answer);
}

/* ---- judging ---- */

static enum MHD_Result count_host(
	void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind, (void)value;
	size_t *count = arg;
	*count += strcasecmp(name, "Host") == 0;
	return MHD_YES;
}

/* The least role that the route wants. */
static int judge_role(struct client *client, const struct visitor *visitor, struct why *why)
{
	if (client->role >= client->route->role)
		return 0;
	if (visitor->door != DOOR_UNIX && client->web->gate.has_token) {
		why_set(why, -EACCES, "this needs the token");
		return 401;
	}
	if (client->role == ROLE_NONE) {
		why_set(why, -EACCES, "this needs a token, and ebbd has none");
		return 401;
	}
	why_set(why, -EPERM, "you may look, but not do this");
	return 403;
}

static int judge_visitor(struct client *client, struct MHD_Connection *connection, struct why *why)
{
	struct web *web = client->web;
	struct visitor visitor = {
		.door = client->door,
		.uid = client->uid,
		.host = header(connection, "Host"),
		.origin = header(connection, "Origin"),
		.fetch_site = header(connection, "Sec-Fetch-Site"),
		.fetch_mode = header(connection, "Sec-Fetch-Mode"),
		.authorization = header(connection, "Authorization"),
	};
	if (client->route->role == ROLE_NONE)
		return 0;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, count_host, &visitor.host_count);
	int status = gate_judge(&web->gate, &visitor, &client->role, why);
	if (status == 401)
		rate_take(&web->rate, client->peer, RATE_GUESS, clock_mono_ns(web->world->clock));
	return status ? status : judge_role(client, &visitor, why);
}

static int judge_body(struct MHD_Connection *connection, struct why *why)
{
	const char *length = header(connection, "Content-Length");
	if (!header(connection, "Transfer-Encoding") &&
		(!length || (strlen(length) < 10 && strtol(length, NULL, 10) <= WEB_BODY_MAX)))
		return 0;
	why_set(why, -E2BIG, "nothing here takes a body, and none is longer than %d bytes",
		WEB_BODY_MAX);
	return 413;
}

/* 0, or the status of a refusal. */
static int judge(struct client *client, struct MHD_Connection *connection, const char *method,
	struct why *why)
{
	struct web *web = client->web;
	if (!rate_take(&web->rate, client->peer, 1, clock_mono_ns(web->world->clock))) {
		why_set(why, -EAGAIN, "you ask too often");
		return 429;
	}
	int err = request_read(method, client->target, &client->request, why);
	if (err)
		return err == -E2BIG ? 414 : 400;
	int status = site_find(&client->request, &client->route, &client->allow);
	if (status) {
		/* Who may not even look learns nothing of what there is. */
		client->route = &site_nothing;
		int first = judge_visitor(client, connection, why);
		if (first)
			return first;
		why_set(why, -ENOENT,
			status == 404 ? "there is nothing at %.200s" : "%.200s cannot be asked so",
			client->target);
		return status;
	}
	status = judge_body(connection, why);
	return status ? status : judge_visitor(client, connection, why);
}

/* ---- the request ---- */

enum MHD_Result ask_goes_on(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context)
{
	(void)arg, (void)url, (void)version, (void)upload;
	struct client *client = *context;
	struct why why = {""};
	if (!client)
		return MHD_NO;
	if (!client->judged) {
		int status = judge(client, connection, method, &why);
		client->judged = true;
		return status ? refuse(client, connection, status, &why) : MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	OWN(answer_done) struct answer answer = {0};
	const char *accepted = header(connection, "Accept-Encoding");
	client->request.gzip = accepted && strstr(accepted, "gzip");
	client->request.if_none_match = header(connection, "If-None-Match");
	site_answer(&client->web->site, client->route, &client->request, &answer);
	if (answer.events && client->web->reader_count >= WEB_READERS) {
		str_done(&answer.body);
		answer = (struct answer){0};
		answer_refuse(&answer, 503, "too many listen to events already",
			"ask again in a while, or for documents");
	}
	return queue(client, connection, &answer);
}

void ask_ends(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	(void)arg, (void)connection, (void)code;
	struct client *client = *context;
	if (client) {
		client->asking = false;
		client_expect(client, WEB_IDLE_NS);
	}
}
