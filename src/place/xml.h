/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of object stores: small XML documents of elements and text, by libexpat. What has a
 * document type, and so could define entities, is refused, and so is what is deep or long.
 *
 * Pure; any thread.
 */
#ifndef EBB_PLACE_XML_H
#define EBB_PLACE_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct why;

enum { XML_DEPTH = 8, XML_NAME = 63, XML_TEXT = 4096 };

/*
 * At the end of each element: "ListBucketResult/Contents/Key" and the text in it, "" when it has
 * elements. False: the document is not what was expected, and the walk ends with -EBADMSG.
 */
typedef bool xml_element_fn(void *arg, const char *path, const char *text);

/* 0 when the document was whole, -EBADMSG, -ENOMEM. */
int xml_walk(const uint8_t *bytes, size_t len, xml_element_fn *fn, void *arg, struct why *why);

#endif
