/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server of a node: the site (site.h) behind the gate (gate.h), on a Unix socket and on
 * TCP, in the node's own loop.
 *
 * What one client can do to others is bounded: by the bytes of a request, the time that a request
 * and the taking of its answer may last, the number of connections, and how often it may ask.
 *
 * The loop's thread only. The world is Linux.
 */
#ifndef EBB_WEB_WEB_H
#define EBB_WEB_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct conf_http;
struct node;
struct web;
struct why;
struct world;

enum {
	WEB_CLIENTS = 128,
	WEB_LEAVING = 64,
	WEB_READERS = 64,           /* of events */
	WEB_HEADERS_MAX = 24 << 10, /* memory of a connection, of which a request has most */
	WEB_BODY_MAX = 4 << 10,
};
#define WEB_ASK_NS (10 * NS_PER_SEC)  /* until a request is there */
#define WEB_TAKE_NS (30 * NS_PER_SEC) /* until its answer is taken */
#define WEB_IDLE_NS (60 * NS_PER_SEC) /* until the next one begins */
#define WEB_GRACE_NS NS_PER_SEC       /* a request younger than this is not cut off for another */

/* Texts of the files that the configuration names; "" and length 0 where it names none. */
struct web_secrets {
	const char *token;
	size_t token_len;
	const char *certificate, *private_key; /* PEM */
};

struct web_options {
	struct world *world; /* borrowed until the server is gone, as all texts here */
	struct node *node;
	const char *version;
	uint32_t uid; /* ours */
	const struct conf_http *http;
	bool listen_chosen; /* somebody wrote where to listen: not to listen there is a failure */
	bool socket_chosen; /* somebody wrote where the socket is: its group may talk, too */
	struct web_secrets secrets; /* for the call */
};

/* Gives it, listening. 0, or why it cannot be. */
int web_open(const struct web_options *options, struct web **ret_web, struct why *why);

/* Takes it, before the node goes; NULL is allowed. */
void web_close(struct web *web);

/* After each turn of the node; when one of its jobs has begun or ended. They tell who listens. */
void web_turn(struct web *web);
void web_job(struct web *web, int64_t id);

/* "http://127.0.0.1:9797/", with the real port; "" when nothing listens on TCP. */
const char *web_url(const struct web *web);

/* NULL, or why the default port could not be had: another program has it. */
const char *web_unlistened(const struct web *web);

#endif
