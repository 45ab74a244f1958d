/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the page: built into the program (src/web/embed.py makes the table), or out of the
 * folder that `http.page` names, where a file is reached by its plain name and never by a link.
 *
 * The loop's thread only.
 */
#ifndef EBB_WEB_ASSET_H
#define EBB_WEB_ASSET_H

#include <stddef.h>
#include <stdint.h>

#include "web/site.h"

struct folder;

enum { ASSET_MAX = 8 << 20 };

struct asset {
	const char *name;
	const uint8_t *bytes, *gzip; /* gzip NULL: no smaller */
	size_t len, gzip_len;
	const char *etag; /* with its quotes */
};

/* The name is NULL at the end. */
extern const struct asset asset_table[];

/* docs/openapi.json */
extern const struct asset asset_openapi;

/* Answers with that one. */
void asset_answer_one(
	const struct asset *asset, const struct request *request, struct answer *ret_answer);

/* Answers with the file of that name. False: there is none, and nothing was answered. */
bool asset_answer(const struct site *site, const struct request *request, const char *name,
	struct answer *ret_answer);

#endif
