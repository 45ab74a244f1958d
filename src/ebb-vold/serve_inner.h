/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that serve clients share. For these only.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_SERVE_INNER_H
#define EBB_EBB_VOLD_SERVE_INNER_H

#include "base/vec.h"
#include "ebb-vold/buffers.h"
#include "ebb-vold/exports.h"
#include "ebb-vold/serve.h"
#include "nbd/nbd.h"
#include "os/linux/loop.h"
#include "os/loop.h"
#include "vol/engine.h"

struct asked {
	struct engine_request request;
	struct client *client;
	struct nbd_request *nbd;
	struct asked *next_waiting; /* for memory */
	void *buffer;
	size_t buffer_len;
	int64_t lent_ns; /* since when it has the buffer */
	int64_t begun_ns;
	uint16_t queue; /* operations of the volume when it began */
	bool out;       /* with the engine, or waiting for memory: */
	bool waits;
};

struct client {
	struct server *server;
	struct stream *stream; /* NULL: it is gone, and requests are still out */
	struct nbd *nbd;
	struct client *next, **here;
	uint32_t number; /* of all that came */
	struct client *next_dirty;
	unsigned out; /* requests with an engine, or waiting for memory */
	size_t held;  /* bytes of buffers */
	bool dirty, hungry, ended;
	bool in_turn;        /* what is answered goes out by itself */
	unsigned begun;      /* requests, of those that came together last */
	uint64_t turn_bytes; /* asked for in this turn */
	int64_t took_ns;     /* when it last took bytes, once the server goes away */
	struct timer handshake;
	struct asked asked[NBD_IN_FLIGHT];
};

struct server {
	struct world *world;
	struct trace_writer *trace;
	struct server_security security;
	struct exports exports;
	struct buffers buffers;
	struct before_wait hook;
	struct client *clients, *dirty;
	unsigned client_count;
	void (*ended)(void *arg); /* NULL: nobody wants to know */
	void *arg;
	uint32_t came;
	int64_t ended_ns; /* when the last operation did, if that is now; else 0 */
	bool shut;
	bool hungry; /* some clients are */
	bool given;  /* buffers came back since the last look at who waits */
	struct asked *waiting, **waiting_end;
	bool looking;
	struct timer starving;
	VEC(struct listener *) listeners;
};

/* ---- serve.c ---- */

/* It is looked at before the loop waits. */
void serve_mark(struct client *client);

/* The request has all it needs. */
void serve_submit(struct asked *asked);

/* It is over. */
void serve_done(struct engine_request *request, int err);

/* The socket is closed; what is out with engines comes back first. */
void serve_cut_off(struct client *client);

/* ---- serve_memory.c ---- */

void memory_init(struct server *server);
void memory_done(struct server *server);

/* Whether any small write can be begun. If not its client is looked at again when it can. */
bool memory_ready(struct client *client);

/* NULL: not now. */
void *memory_take(struct asked *asked, size_t len);
void memory_give(struct asked *asked);

/* The client is looked at again when there may be memory. */
void memory_hunger(struct client *client);

/* The request, a read, is submitted when there is memory for it. False: it would wait for ever. */
bool memory_wait(struct asked *asked);

/* It waits no more, and is not submitted. */
void memory_leave(struct asked *asked);

/* Goes on with whoever waits, after buffers came back. */
void memory_feed(struct server *server);

#endif
