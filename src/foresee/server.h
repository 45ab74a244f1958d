/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server of metrics remembers, asked for by HTTP, a piece of time after the other:
 * Prometheus and what speaks like it (VictoriaMetrics) by an instant query with a range selector,
 * which gives samples as they were scraped; InfluxDB 1.x by InfluxQL.
 *
 * Calls block. Any thread, one at a time for each struct.
 */
#ifndef EBB_FORESEE_SERVER_H
#define EBB_FORESEE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "foresee/intake.h"

struct http;
struct why;

enum { SERVER_HOST = 256 };

struct server {
	struct http *http;         /* borrowed, like all here */
	const char *url;           /* of the server; of InfluxDB with ?db=NAME */
	const char *authorization; /* the header of that name; NULL: none */
	const char *host;  /* whose: the label `instance` or the tag `host`; NULL: there is one */
	const char *match; /* a selector, or a measurement: under their own names; NULL: ours */
	int64_t from_ms, to_ms; /* what is asked for */
	struct intake *intake;
	char seen[SERVER_HOST]; /* the one host that answers are of */
};

/* http or https, and no authorization in the clear to another machine. -EINVAL. */
int server_check(const struct server *server, struct why *why);

/*
 * Takes in what there is of [from_ms, to_ms). -EINVAL: the server has several hosts and none was
 * named, or refuses the question; -EPROTO: what it says is no answer; or what http_call() answered.
 */
int prometheus_pull(struct server *server, struct why *why);
int influx_pull(struct server *server, struct why *why);

/* ---- for the two ---- */

/* Adds text as a part of a query. */
struct str;
void server_escape(struct str *url, const char *text);

/* Asks; gives the answer's document, whatever its status below 500. */
struct json_t;
int server_ask(const struct server *server, const char *url, struct json_t **ret, struct why *why);

/* An answer of `host` (NULL: it tells none). -EINVAL: it is the second. */
int server_host(struct server *server, const char *host, struct why *why);

#endif
