/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server of this program, with the files that its configuration names.
 *
 * The main thread.
 */
#ifndef EBB_EBBD_SITE_H
#define EBB_EBBD_SITE_H

struct conf;
struct node;
struct web;
struct why;
struct world;

/* What it is of; borrowed until it is closed. */
struct site_of {
	struct world *world;
	struct node *node;
	const char *version;
	const struct conf *conf;
};

/* Gives it, listening; for web_close(). 0, or why it cannot be. */
int site_open(const struct site_of *of, struct web **ret_web, struct why *why);

#endif
