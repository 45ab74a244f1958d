/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of names of places share. For this room only.
 *
 * Pure; any thread.
 */
#ifndef EBB_PLACE_URL_INNER_H
#define EBB_PLACE_URL_INNER_H

#include <stdbool.h>
#include <stddef.h>

struct s3_url;
struct why;

/* Decodes %XY. False: a broken escape, a NUL, or more than fits. */
bool url_decode(const char *text, size_t len, char *ret_plain, size_t cap);

/* What follows "s3://". */
int s3_url_read(const char *rest, struct s3_url *url, struct why *why);

#endif
