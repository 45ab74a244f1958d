/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers requests on a listening address: lines of words in, lines of JSON out, in order, as many
 * on one connection as its client likes.
 *
 * What one client can do to others is bounded. A connection holds one line and one reply; nothing
 * more is read from it until its reply is sent. It has TALK_EXCHANGE_NS for each exchange, from the
 * end of the one before until its reply is taken whole, then it is closed: whoever hangs, dribbles
 * or never reads loses only his own. Where TALK_CLIENTS are connected a newcomer takes the place of
 * the one whose exchange is the oldest, if that is older than TALK_GRACE_NS; else he is told that
 * the program is busy. Who was told his last line has TALK_GRACE_NS to hang up first, so that no
 * transport throws that line away; TALK_LEAVING may be about to leave, more are hung up on.
 *
 * The loop's thread only.
 */
#ifndef EBB_TALK_SERVER_H
#define EBB_TALK_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

struct listener;
struct str;
struct talk_server;
struct world;

enum { TALK_CLIENTS = 64, TALK_LEAVING = 192 };
#define TALK_EXCHANGE_NS (30 * NS_PER_SEC)
#define TALK_GRACE_NS NS_PER_SEC

/*
 * Answers one request by exactly one of talk_reply_ok() and talk_reply_refuse(). argv[0] is the
 * verb itself. It may not close the server.
 */
typedef void talk_handler(void *arg, size_t argc, const char *const *argv, struct str *ret_reply);

struct talk_verb {
	const char *name;
	const char *arguments; /* for the help; "" where it takes none */
	size_t max_arguments;  /* more are refused before the handler is called */
	const char *help;      /* one line */
	talk_handler *handler;
};

struct talk_options {
	const struct talk_verb *verbs; /* borrowed until the server is closed; "help" is built in */
	size_t verb_count;
	void *arg;    /* for the handlers */
	uint32_t uid; /* who may talk besides root, where the transport says who it is */
};

/* Takes the listener, also on failure. Gives the server; 0 or -ENOMEM. */
int talk_server_open(struct world *world, struct listener *listener,
	const struct talk_options *options, struct talk_server **ret_server);

/* Takes the server; NULL is allowed. Replies already handed to the transport are delivered. */
void talk_server_close(struct talk_server *server);

#endif
