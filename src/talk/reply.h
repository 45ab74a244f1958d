/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply of the control protocol: one line of JSON. {"ok":true, ...} with members of the verb's
 * own, or {"ok":false,"code":N,"error":"one sentence"}, where N is the exit code with which the
 * command line ends.
 *
 * Any thread, one at a time for each struct. Pure.
 */
#ifndef EBB_TALK_REPLY_H
#define EBB_TALK_REPLY_H

#include <stdbool.h>
#include <stddef.h>

struct json_t;
struct str;
struct why;

enum { TALK_REPLY_MAX = 1 << 20 }; /* bytes with the newline */

enum talk_code {
	TALK_FAILED = 1,
	TALK_USAGE = 2,
	TALK_NONE = 4,    /* no such thing */
	TALK_GUARDED = 5, /* refused by a guard */
};

/*
 * Writes the reply of a request that went well, without its newline. Takes `members`, an object
 * without "ok"; NULL stands for one that could not be made.
 */
void talk_reply_ok(struct str *ret_reply, struct json_t *members);

/* Writes the reply of one that did not. */
void talk_reply_refuse(struct str *ret_reply, enum talk_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The reply of a program that cannot listen to one more now; its client asks again. */
void talk_reply_busy(struct str *ret_reply);

/* Gives a JSON string; bytes that are not UTF-8 are shown as '?'. NULL: no memory. */
struct json_t *talk_json_text(const char *text);

/* A reply as its reader sees it. */
struct talk_reply {
	bool ok;
	bool busy;          /* not ok, because there are too many clients now */
	int code;           /* 1 .. 255 when not ok, else 0 */
	const char *error;  /* when not ok; lies in `doc` */
	struct json_t *doc; /* the whole object */
};

/* Gives the reply in a line of `len` bytes, newline not counted. 0; -EBADMSG: it is none; -ENOMEM.
 */
int talk_reply_parse(const char *line, size_t len, struct talk_reply *ret_reply, struct why *why);
void talk_reply_done(struct talk_reply *reply);

#endif
