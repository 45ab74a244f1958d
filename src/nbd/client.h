/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of the NBD protocol for one connection, as nbd.h is the server's: bytes of the
 * server go in, what is to be sent comes out, and answers are told as they come, in any order. No
 * socket and no clock. A server that breaks the protocol ends the connection and nothing else.
 *
 * How an owner goes on: nbd_client_waiting(), send, nbd_client_sent(); nbd_client_room(), receive,
 * nbd_client_came(). The bytes of a read are received where they are wanted.
 *
 * One thread at a time for each struct.
 */
#ifndef EBB_NBD_CLIENT_H
#define EBB_NBD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "nbd/nbd.h"

enum {
	NBD_ASKED_MAX = 32,      /* requests that are out; more wait their turn */
	NBD_CLIENT_CONTEXTS = 4, /* that can be asked for */
};

/* Borrowed strings. */
struct nbd_client_options {
	const char *name; /* of the export */
	const char *contexts[NBD_CLIENT_CONTEXTS];
	unsigned context_count;
};

enum nbd_client_state {
	NBD_CLIENT_BEGINS,
	NBD_CLIENT_READY,
	NBD_CLIENT_ENDED, /* nothing can be asked any more: nbd_client_why() */
};

/* What the server said of the export. */
struct nbd_client_facts {
	uint64_t size;
	bool read_only, can_flush, can_zero;
	unsigned contexts; /* bit n: it has options.contexts[n] */
};

/* Lies in its owner's memory, untouched until done(). */
struct nbd_asked {
	enum nbd_type type;
	uint16_t flags;
	uint64_t offset;
	uint32_t length;
	uint8_t *bytes; /* of reads and writes */
	/* Of NBD_STATUS, in rising order for each context; may run past what was asked. */
	void (*on_extent)(struct nbd_asked *asked, unsigned context, uint64_t len, uint32_t flags);
	/* 0, or the server's error; -EPIPE: the connection ended, nobody knows what came of it. */
	void (*done)(struct nbd_asked *asked, int err);
	/* the client's own */
	struct nbd_asked *next;
	uint64_t cookie;
	uint64_t have; /* bytes of a read that came */
	uint8_t head[28];
	int err;
};

struct nbd_client;

/* Gives it; NULL: no memory, or a name longer than NBD_NAME_MAX. */
struct nbd_client *nbd_client_new(const struct nbd_client_options *options);

/* NULL is allowed. What was asked and not answered is done with -EPIPE. */
void nbd_client_free(struct nbd_client *client);

enum nbd_client_state nbd_client_state(const struct nbd_client *client);
const char *nbd_client_why(const struct nbd_client *client);
const struct nbd_client_facts *nbd_client_facts(const struct nbd_client *client);

/* Before it is ready, or beyond NBD_ASKED_MAX, it waits; after the end it is done at once. */
void nbd_client_ask(struct nbd_client *client, struct nbd_asked *asked);

/* Sends the farewell when everything is answered. */
void nbd_client_leave(struct nbd_client *client);

/* The connection is gone. */
void nbd_client_gone(struct nbd_client *client, const char *why);

/* ---- bytes ---- */

/* Never empty before the end. */
struct iovec nbd_client_room(struct nbd_client *client);
void nbd_client_came(struct nbd_client *client, size_t len);

/* How many parts: up to `most`. 0: nothing waits. */
unsigned nbd_client_waiting(
	const struct nbd_client *client, struct iovec *ret_parts, unsigned most);
void nbd_client_sent(struct nbd_client *client, size_t len);

#endif
