/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes for clients that speak NBD: each volume is an export of its name, each of its snapshots a
 * read-only one named VOLUME@SNAPSHOT. All connections of a volume see one store, and a flush on
 * one covers what was answered on any.
 *
 * What clients can take from others is bounded: so many connections, so much memory for payloads,
 * and so long for a handshake.
 *
 * The loop's thread only.
 */
#ifndef EBB_EBB_VOLD_SERVE_H
#define EBB_EBB_VOLD_SERVE_H

#include <stdbool.h>
#include <stdint.h>

struct linux_loop;
struct listener;
struct nbd_tls;
struct server;
struct stream;
struct trace_writer;
struct volumes;
struct world;

/* Borrows the world, the volumes and the trace. -ENOMEM. */
int server_open(struct world *world, struct volumes *volumes, struct trace_writer *trace,
	struct server **ret_server);

/* What is asked of clients. Without any of this those by TCP are turned away. */
struct server_security {
	struct nbd_tls *tls; /* borrowed; NULL: there is no TLS */
	bool tcp_plain;      /* clients by TCP may do without */
	bool unix_tls;       /* clients by a Unix socket may not */
};
void server_secure(struct server *server, const struct server_security *security);

/* Takes a listener, as many as one likes. */
void server_listen(struct server *server, struct listener *listener);

/* Takes a connection. */
void server_connect(struct server *server, struct stream *stream);

/* `ended` is called each time when the last client has gone. */
void server_end_with(struct server *server, void (*ended)(void *arg), void *arg);

/* Whether a client uses a snapshot, by its era. */
bool server_uses(struct server *server, const char *volume, uint32_t era);

/*
 * No new connections; requests that are out are answered, all others refused because the server
 * goes away. Until none is left, which server_left() tells: clients that are owed bytes and take
 * none for a second do not count.
 */
void server_shut(struct server *server);
unsigned server_left(const struct server *server);

/* Takes it: connections are cut. Those with requests out only when the world has ended. */
void server_close(struct server *server);

#endif
