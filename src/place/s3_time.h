/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments as object stores write them, in UTC.
 *
 * Pure; any thread.
 */
#ifndef EBB_PLACE_S3_TIME_H
#define EBB_PLACE_S3_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum { S3_TIME = 32 };

/* 20130524T000000Z, as signatures have it, and 2013-05-24T00:00:00Z. Returns `text`. */
const char *s3_show_stamp(int64_t ns, char text[S3_TIME]);
const char *s3_show_time(int64_t ns, char text[S3_TIME]);

/* "Fri, 24 May 2013 00:00:00 GMT" of a header, and "2013-05-24T00:00:00.000Z" of a document. */
bool s3_read_date(const char *text, int64_t *ret_ns);
bool s3_read_time(const char *text, int64_t *ret_ns);

#endif
