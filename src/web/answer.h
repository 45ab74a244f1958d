/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer on its way to whoever asked: a status, a body, and what its headers have to say.
 *
 * Any thread, one at a time for each struct.
 */
#ifndef EBB_WEB_ANSWER_H
#define EBB_WEB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct json_t;
struct why;

enum { ANSWER_ETAG = 40 };

struct answer {
	int status;
	const char *type; /* of the body */
	struct str body;
	/* Instead of the body: bytes that stay. */
	const uint8_t *fixed;
	size_t fixed_len;
	bool gzip;              /* the bytes are compressed */
	char etag[ANSWER_ETAG]; /* "": none */
	const char *allow;      /* of a 405 */
	bool challenge;         /* of a 401: a browser is to ask its user for the token */
	bool events;            /* no body: a stream of events follows */
};

/* For OWN(). */
void answer_done(struct answer *answer);

/* 200 with a document. Takes it; NULL is a want of memory. */
void answer_json(struct answer *answer, struct json_t *document);

/* A refusal or failure: {"error": {"what": ..., "do": ...}}. `what_to_do` may be NULL. */
void answer_refuse(struct answer *answer, int status, const char *what, const char *what_to_do);

/* The same from a negative errno and its sentence. */
void answer_failure(struct answer *answer, int err, const struct why *why);

/* One line of JSON, as all documents of this server are written. NULL: no memory. */
char *answer_dump(const struct json_t *document);

#endif
