/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One notice to one of those whom the configuration names: posted to a web hook, mailed, or handed
 * to a program. What it says is a JSON document:
 *
 *     {"type": "notice", "event": "rpo_missed", "state": "begins", "resource": "home",
 *      "node": "local", "since": "2026-11-21T02:10:00Z", "text": "..."}
 *
 * Calls block, for a minute at most. One thread.
 */
#ifndef EBB_NOTIFY_SEND_H
#define EBB_NOTIFY_SEND_H

struct conf_notify;
struct http;
struct programs;
struct why;

struct send_by {
	struct http *http;
	struct programs *programs;
	const char *const *environment; /* of programs; NULL at the end */
	const char *token;              /* NULL: none goes with it */
};

/* 0: whoever it was handed to has taken it. -EINVAL: that is no such document. */
int notice_send(const struct send_by *by, const struct conf_notify *to, const char *document,
	struct why *why);

#endif
