/* SPDX-License-Identifier: Apache-2.0 */
/* What asking Prometheus and asking InfluxDB have in common. */
#include "foresee/server.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/units.h"
#include "base/why.h"
#include "os/http.h"

enum { ANSWER_MAX = 256 << 20 };
#define STALL_NS (60 * NS_PER_SEC)

void server_escape(struct str *url, const char *text)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (; *text; text++)
		if (strchr(plain, *text))
			str_add_bytes(url, text, 1);
		else
			str_addf(url, "%%%02X", (unsigned)(unsigned char)*text);
}

static bool is_loopback(const char *url)
{
	static const char *const near[] = {"http://127.", "http://[::1]", "http://localhost"};
	for (size_t i = 0; i < 3; i++)
		if (str_starts(url, near[i]))
			return true;
	return false;
}

int server_check(const struct server *server, struct why *why)
{
	bool tls = str_starts(server->url, "https://");
	if (!tls && !str_starts(server->url, "http://"))
		return why_set(why, -EINVAL, "'%.200s' is no URL: http://HOST:PORT", server->url);
	if (!tls && server->authorization && !is_loopback(server->url))
		return why_set(why, -EINVAL,
			"%.200s: no authorization goes to another machine without TLS: use https",
			server->url);
	return 0;
}

int server_ask(const struct server *server, const char *url, json_t **ret, struct why *why)
{
	OWN(http_answer_done) struct http_answer answer = {0};
	const struct http_header header = {"Authorization", server->authorization};
	const struct http_request request = {.method = "GET",
		.url = url,
		.headers = &header,
		.header_count = server->authorization != NULL,
		.limit = ANSWER_MAX,
		.stall_ns = STALL_NS};
	json_error_t error;
	int err = http_call(server->http, &request, &answer, why);
	if (err)
		return err;
	json_t *document = json_loadb(
		answer.body ? (const char *)answer.body : "", answer.body_len, 0, &error);
	if (!document || answer.status >= 500) {
		json_decref(document);
		return why_set(why, -EPROTO, "%.200s: HTTP %d, and no answer to read", server->url,
			answer.status);
	}
	*ret = document;
	return 0;
}

int server_host(struct server *server, const char *host, struct why *why)
{
	if (!host || server->host || server->match || strcmp(server->seen, host) == 0)
		return 0;
	if (server->seen[0])
		return why_set(why, -EINVAL,
			"%.200s: several machines (%.80s, %.80s): say by --host which one",
			server->url, server->seen, host);
	snprintf(server->seen, sizeof(server->seen), "%s", host);
	return 0;
}
