/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks one of our programs something: connects, sends one request, reads one reply, hangs up. A
 * program that is busy with too many clients is asked again until the time is over.
 *
 * The loop's thread only.
 */
#ifndef EBB_TALK_CLIENT_H
#define EBB_TALK_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "talk/reply.h"

struct why;
struct world;
struct talk_ask;

/*
 * err 0: `reply` is what the program answered, be it ok or not, and `line` its text. Otherwise the
 * conversation failed, `why` says how, and `reply` and `line` are NULL: -ENOENT, -ECONNREFUSED:
 * nobody listens there; -ETIMEDOUT; -EPIPE: hung up before a whole reply; -EMSGSIZE: a reply beyond
 * TALK_REPLY_MAX; -EBADMSG: no reply of ours; -EACCES ... All is borrowed for the call.
 */
struct talk_answer {
	int err;
	struct why *why;
	const struct talk_reply *reply;
	const char *line;
};

typedef void talk_answer_fn(void *arg, const struct talk_answer *answer);

struct talk_question {
	const char *address;      /* as in os/net.h */
	const char *const *words; /* the verb and its arguments; needed for the call only */
	size_t word_count;
	int64_t timeout_ns; /* for the whole of it */
	talk_answer_fn *on_answer;
	void *arg;
};

/*
 * 0: on_answer will be called exactly once, later, unless talk_cancel() comes first; the ask is
 * gone when it is called. Else a negative errno, and it will not be called: -EINVAL and -E2BIG for
 * words that make no request, -ENOMEM.
 */
int talk_ask(struct world *world, const struct talk_question *question, struct talk_ask **ret_ask,
	struct why *why);

/* Takes an ask whose on_answer has not been called; NULL is allowed. */
void talk_cancel(struct talk_ask *ask);

#endif
