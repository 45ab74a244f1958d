/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the server share; no other room includes it.
 *
 * The loop's thread only.
 */
#ifndef EBB_WEB_INSIDE_H
#define EBB_WEB_INSIDE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "conf/conf.h"
#include "os/files.h"
#include "os/linux/loop.h"
#include "web/events.h"
#include "web/gate.h"
#include "web/rate.h"
#include "web/request.h"
#include "web/site.h"
#include "web/web.h"

struct json_t;
struct listener;
struct reader;
struct stream;

/* libmicrohttpd on the loop: one without TLS, and one with it where there is a certificate. */
struct engine {
	struct web *web;
	struct MHD_Daemon *daemon; /* NULL: there is none */
	struct watch watch;
	struct timer soon; /* it has more to do now */
};

/* Where connections come in. */
struct hall {
	struct web *web;
	struct engine *engine;
	struct listener *listener; /* NULL: there is none */
	enum door door;
};

/* A connection, from accept(2) until libmicrohttpd closed it. */
struct client {
	struct web *web;
	struct client *next, **at; /* of the list of all */
	int fd;                    /* the library's */
	bool adopted;              /* the library knows it */
	bool asking;               /* a request is under way, or its answer */
	bool judged;               /* ... and it may */
	enum door door;
	enum role role;
	uint32_t uid;
	uint64_t peer; /* for the rate */
	struct engine *engine;
	struct reader *reader; /* of events; NULL: none */
	int64_t since_ns;
	struct timer deadline;
	const struct route *route;
	const char *allow; /* of a 405 */
	struct request request;
	char target[REQUEST_MAX + 1]; /* cut when it is longer: request_read() refuses it then */
};

struct web {
	struct world *world;
	struct site site;
	struct gate gate;
	struct rate rate;
	struct engine plain, tls;
	struct hall unix_hall, tcp_hall;
	struct client *clients;
	size_t client_count;
	char url[128];
	char hosts[CONF_HOSTS_MAX + 1];
	char address[CONF_LISTEN_MAX + 1];
	struct events events;
	struct reader *readers;
	size_t reader_count;
	struct timer beat;
	struct json_t *last; /* news.c: the resources after the last turn */
	int64_t heard_ns;    /* when somebody listened last */
	struct files files;
	struct why unlistened; /* "": nothing is missing */
};

/* ---- engine.c: the library on the loop ---- */

/* 0, or why it does not run. `certificate` NULL: without TLS. */
int engine_start(struct engine *engine, struct web *web, const char *certificate,
	const char *private_key, struct why *why);
void engine_stop(struct engine *engine);

/* Lets it go on at the next turn of the loop. */
void engine_wake(struct engine *engine);

/* ---- clients.c: connections ---- */

/* For listener->on_accept; its arg is the hall. */
void clients_accept(struct listener *listener, struct stream *stream);
void clients_notify(void *arg, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code);

/* From now on it has so long. */
void client_expect(struct client *client, int64_t ns);

/* ---- stream.c: readers of events ---- */

/* The answer to one; NULL: no memory. */
struct MHD_Response *stream_start(
	struct client *client, struct MHD_Connection *connection, const char *last_id);

/* Lets a reader, or all of them, go on: there is something for them, or an end. */
void stream_wake(struct reader *reader);
void streams_wake(struct web *web);

void streams_begin(struct web *web);
void streams_end(struct web *web);

/* ---- ask.c: requests ---- */

void *ask_begins(void *arg, const char *target, struct MHD_Connection *connection);
enum MHD_Result ask_goes_on(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context);
void ask_ends(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code);

#endif
