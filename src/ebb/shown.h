/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files as a terminal and JSON may show them. A name is any bytes but '/' and NUL, chosen
 * by whoever could make files in a source: nothing of it may move a cursor, hide text, or make a
 * document that no parser takes.
 *
 * Any thread.
 */
#ifndef EBB_EBB_SHOWN_H
#define EBB_EBB_SHOWN_H

#include <jansson.h>
#include <stddef.h>

struct str;

/*
 * Adds the bytes with what is not shown escaped as \xNN a byte, and a backslash as two: different
 * names stay different.
 */
void shown_add(struct str *out, const char *bytes, size_t len);

/*
 * Sets document[key] to the text. Bytes that are no UTF-8 are escaped as above, and then
 * document[key + "_hex"] has all of them. What can be text is text as it is.
 */
void shown_set(json_t *document, const char *key, const char *bytes, size_t len);

#endif
