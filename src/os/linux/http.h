/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os/http.h by libcurl: connections are kept and used again.
 *
 * One thread opens and closes; calls come from any.
 */
#ifndef EBB_OS_LINUX_HTTP_H
#define EBB_OS_LINUX_HTTP_H

#include "os/http.h"

struct linux_http;
struct why;

/* All NULL is a good choice. Borrowed during the call. */
struct linux_http_options {
	const char *ca_file; /* whom to believe, instead of the system's list */
	const char *proxy;   /* NULL: none, whatever the environment says */
};

/* Gives the client. */
int linux_http_open(
	const struct linux_http_options *options, struct linux_http **ret_http, struct why *why);

/* Borrowed from it. */
struct http *linux_http(struct linux_http *http);

/* Takes the client when no call runs; NULL is allowed. */
void linux_http_close(struct linux_http *http);

#endif
